//! Holds whose time is over are given back.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Life, clock};
use futures::future::join_all;

use crate::Error;
use crate::account::State;
use crate::batch::Writer;
use crate::config::Config;
use crate::operation::{Answer, Operation};
use crate::store::Store;

/// How many batches of overdue holds one sweep ends.
const ROUNDS_MAX: usize = 64;

struct Sweeper {
    store: Arc<dyn Store>,
    writer: Writer,
    /// Holds that are ended together, in one commit if nothing else waits.
    batch_max: usize,
}

/// Sweeps until the process ends.
pub(crate) fn start(config: &Config, store: Arc<dyn Store>, writer: Writer, life: &Life) {
    let interval = Duration::from_millis(config.sweep_interval_ms.unsigned_abs());
    let sweeper = Sweeper { store, writer, batch_max: config.batch_max };
    let stop = life.token();
    life.spawn("budget sweeper", async move {
        loop {
            if let Err(error) = sweeper.sweep().await {
                tracing::warn!(%error, "overdue reservations cannot be ended now");
            }
            if stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
                return;
            }
        }
    });
}

impl Sweeper {
    async fn sweep(&self) -> Result<(), Error> {
        for _ in 0..ROUNDS_MAX {
            let page = i64::try_from(self.batch_max).unwrap_or(i64::MAX);
            let overdue = self.store.overdue(clock::now_ms(), page).await?;
            let is_last = overdue.len() < self.batch_max;
            let expiries = overdue.into_iter().map(Operation::Expire);
            let ended = join_all(expiries.map(|expiry| self.writer.submit(expiry))).await;
            let mut count = 0;
            for answer in ended {
                let is_expired = matches!(answer?, Answer::Released { state: State::Expired, .. });
                count += usize::from(is_expired);
            }
            if 0 < count {
                tracing::info!(count, "reservations have expired");
            }
            if is_last {
                break;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("budget.open_reservations").set(self.store.open_count().await? as f64);
        Ok(())
    }
}
