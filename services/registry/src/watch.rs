//! Keeping the board fresh, and streaming it to whoever watches.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chassis::Life;
use futures::{Stream, StreamExt as _};
use proto::v1::Snapshot;
use tokio_stream::wrappers::WatchStream;
use tonic::Status;

use crate::board::Board;
use crate::roster::Roster;

/// How often load is looked up when nobody here has changed it: slots end by themselves, and replicas give some away.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// How long changes of load are gathered before the next snapshot.
const GATHERING: Duration = Duration::from_millis(200);

/// What a watcher receives.
pub type Snapshots = Pin<Box<dyn Stream<Item = Result<Snapshot, Status>> + Send>>;

/// The present snapshot at once, then one after every change, until the process ends.
pub fn snapshots(board: &Board, life: &Life) -> Snapshots {
    let changes = WatchStream::new(board.watch()).map(|shown| Ok(Snapshot::clone(&shown)));
    Box::pin(changes.take_until(life.token().cancelled_owned()))
}

/// Looks up the load after each change, at most once in the gathering time, until the process ends.
pub async fn keep_fresh(roster: Arc<Roster>, life: Life) {
    loop {
        tokio::select! {
            () = life.stopping() => return,
            () = roster.load_changed.notified() => {}
            () = tokio::time::sleep(REFRESH_INTERVAL) => {}
        }
        roster.refresh().await;
        tokio::select! {
            () = life.stopping() => return,
            () = tokio::time::sleep(GATHERING) => {}
        }
    }
}

#[cfg(test)]
mod tests;
