//! The turns that this process runs: it keeps their leases alive, and stops those that are cancelled or lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::{Life, clock};
use tokio_util::sync::CancellationToken;

use crate::session::Owner;
use crate::store::{Lease, Renewal, Shared, StoreError};

/// How often other processes are asked whether they want a turn of ours stopped.
const CANCEL_INTERVAL: Duration = Duration::from_millis(250);
/// A lease is renewed this many times before it would run out.
const RENEWALS: i64 = 3;

/// All turns that this process runs.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    held: Arc<Mutex<HashMap<String, Held>>>,
}

#[derive(Clone, Debug)]
struct Held {
    lease: Lease,
    owner: Owner,
    request_id: String,
    stop: CancellationToken,
    is_lost: Arc<AtomicBool>,
}

/// The hold on one turn; it ends when this is dropped.
#[derive(Debug)]
pub struct Tenure {
    /// The right to write.
    pub lease: Lease,
    /// Set when the turn is to stop.
    pub stop: CancellationToken,
    is_lost: Arc<AtomicBool>,
    keeper: Keeper,
}

impl Tenure {
    /// Whether the turn stops because somebody else has taken it over.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.keeper.held().remove(&self.lease.turn_id);
    }
}

impl Keeper {
    /// Keeps a turn for as long as the tenure lives.
    #[must_use]
    pub fn hold(&self, lease: Lease, owner: &Owner, request_id: &str) -> Tenure {
        let stop = CancellationToken::new();
        let is_lost = Arc::new(AtomicBool::new(false));
        let held = Held {
            lease: lease.clone(),
            owner: owner.clone(),
            request_id: request_id.to_owned(),
            stop: stop.clone(),
            is_lost: is_lost.clone(),
        };
        self.held().insert(lease.turn_id.clone(), held);
        Tenure { lease, stop, is_lost, keeper: self.clone() }
    }

    /// Stops a turn of this process; whether there is one.
    pub fn cancel(&self, owner: &Owner, request_id: &str) -> bool {
        let held = self.held();
        let of_owner = |held: &&Held| held.owner == *owner && held.request_id == request_id;
        let found = held.values().find(of_owner);
        found.inspect(|held| held.stop.cancel()).is_some()
    }

    /// Whether this process runs the turn.
    #[must_use]
    pub fn holds(&self, turn_id: &str) -> bool {
        self.held().contains_key(turn_id)
    }

    /// Keeps all leases alive until every turn has ended.
    pub fn run(&self, life: &Life, store: Shared, lease_ms: i64) {
        let keeper = self.clone();
        let stop = life.token();
        life.spawn("turn leases", async move {
            let interval = Duration::from_millis((lease_ms / RENEWALS).max(1).unsigned_abs());
            while !(stop.is_cancelled() && keeper.held().is_empty()) {
                keeper.pause(&stop, interval).await;
                if let Err(error) = keeper.renew(&store, lease_ms).await {
                    tracing::warn!(%error, "leases of turns were not renewed");
                }
            }
        });
    }

    /// Stops turns that another process was asked to cancel.
    pub fn listen(&self, life: &Life, store: Shared) {
        let keeper = self.clone();
        let stop = life.token();
        life.spawn("turn cancellations", async move {
            while !(stop.is_cancelled() && keeper.held().is_empty()) {
                keeper.pause(&stop, CANCEL_INTERVAL).await;
                if keeper.held().is_empty() {
                    continue;
                }
                match store.cancelled().await {
                    Ok(turns) => keeper.stop_all(&turns),
                    Err(error) => tracing::debug!(%error, "cancellations cannot be read"),
                }
            }
        });
    }

    /// Waits; while the process ends, only as long as turns need to notice each other's end.
    async fn pause(&self, stop: &CancellationToken, interval: Duration) {
        let is_ending = stop.is_cancelled();
        let interval = if is_ending { interval.min(CANCEL_INTERVAL) } else { interval };
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = stop.cancelled(), if !is_ending => {}
        }
    }

    async fn renew(&self, store: &Shared, lease_ms: i64) -> Result<(), StoreError> {
        let mut leases: Vec<_> = self.held().values().map(|held| held.lease.clone()).collect();
        // In the order in which whoever writes turns locks them.
        leases.sort_unstable_by(|one, two| one.turn_id.cmp(&two.turn_id));
        if leases.is_empty() {
            return Ok(());
        }
        let until_ms = clock::now_ms().saturating_add(lease_ms);
        let renewals = store.renew(&leases, until_ms).await?;
        let held = self.held();
        for (lease, renewal) in leases.iter().zip(renewals) {
            let Some(held) = held.get(&lease.turn_id) else { continue };
            match renewal {
                Renewal::Held => {}
                Renewal::Cancelled => held.stop.cancel(),
                Renewal::Lost => {
                    held.is_lost.store(true, Ordering::Relaxed);
                    held.stop.cancel();
                }
            }
        }
        Ok(())
    }

    fn stop_all(&self, turns: &[String]) {
        let held = self.held();
        turns.iter().filter_map(|turn_id| held.get(turn_id)).for_each(|held| held.stop.cancel());
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
