//! The end of this gateway: with its process, or earlier when an operator asks for it.

use std::future::Future;
use std::time::Duration;

use chassis::Life;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Which turns are running, and whether new ones are welcome.
#[derive(Clone)]
pub(crate) struct Drain {
    life: Life,
    turns: TaskTracker,
    draining: CancellationToken,
    closing: CancellationToken,
}

impl Drain {
    pub(crate) fn new(life: &Life) -> Self {
        Self {
            life: life.clone(),
            turns: TaskTracker::new(),
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Whether new turns are refused.
    pub(crate) fn is_draining(&self) -> bool {
        self.life.is_stopping() || self.draining.is_cancelled()
    }

    /// Runs a turn to its end, whatever becomes of those who watch it.
    pub(crate) fn spawn_turn(&self, turn: impl Future<Output = ()> + Send + 'static) {
        self.life.spawn("turn", self.turns.track_future(turn));
    }

    /// Runs the serving of a socket, which ends once sockets are to close.
    pub(crate) fn spawn_socket(&self, socket: impl Future<Output = ()> + Send + 'static) {
        self.life.spawn_connection("socket", socket);
    }

    /// How many turns are running.
    pub(crate) fn running(&self) -> usize {
        self.turns.len()
    }

    /// Resolves when sockets and streams are to close.
    pub(crate) async fn closing(&self) {
        tokio::select! {
            () = self.life.closing() => {}
            () = self.closing.cancelled() => {}
        }
    }

    /// Refuses new turns, waits for the running ones as long as allowed, then closes sockets. Whether all turns ended.
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.draining.cancel();
        self.turns.close();
        let ended = tokio::time::timeout(limit, self.turns.wait()).await.is_ok();
        self.closing.cancel();
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_waits_for_turns_and_then_closes_sockets() {
        let drain = Drain::new(&Life::new());
        let end = CancellationToken::new();
        let ends = end.clone();
        drain.spawn_turn(async move { ends.cancelled().await });
        assert_eq!((drain.running(), drain.is_draining()), (1, false));
        assert!(!drain.drain(Duration::ZERO).await, "a turn is still running");
        assert!(drain.is_draining());
        end.cancel();
        assert!(drain.drain(Duration::from_secs(5)).await);
        drain.closing().await;
    }

    #[tokio::test]
    async fn the_end_of_the_process_is_a_drain_too() {
        let life = Life::new();
        let drain = Drain::new(&life);
        life.stop();
        assert!(drain.is_draining());
        life.close();
        drain.closing().await;
    }
}
