//! When a process ends: first the work, then the connections that showed it.
//!
//! [`Life::stop`] asks the tasks to end: loops at once, a customer's work when it is done. When they have,
//! [`Life::close`] ends listeners and open connections.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The life of a process, shared by all that runs in it.
#[derive(Clone, Debug, Default)]
pub struct Life {
    stop: CancellationToken,
    close: CancellationToken,
    tasks: TaskTracker,
    connections: TaskTracker,
}

impl Life {
    /// A life that has just begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task that [`Life::finished`] waits for. A loop ends by itself once the life is stopping; a customer's
    /// work ends when it is done.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(reported(name, task));
    }

    /// Runs the serving of a connection or listener, which ends once the life is closing.
    pub fn spawn_connection<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.connections.spawn(reported(name, task));
    }

    /// Resolves when the process is asked to end.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the process has been asked to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks everyone to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// The signal, for code that waits for several.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Resolves when every task has ended. To be asked after [`Life::stop`].
    pub async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Resolves when the work is over and connections are to end.
    pub async fn closing(&self) {
        self.close.cancelled().await;
    }

    /// Asks listeners and connections to end. Implies [`Life::stop`].
    pub fn close(&self) {
        self.stop.cancel();
        self.close.cancel();
    }

    /// Resolves when every listener and connection has ended. To be asked after [`Life::close`].
    pub async fn closed(&self) {
        self.connections.close();
        self.connections.wait().await;
    }
}

async fn reported<F: Future<Output = ()>>(name: &'static str, task: F) {
    let guard = Report { name };
    task.await;
    std::mem::forget(guard);
}

/// Says in the log when a task ended by a panic.
struct Report {
    name: &'static str,
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task = self.name, "a task panicked");
        }
    }
}
