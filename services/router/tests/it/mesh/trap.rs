use std::sync::Mutex;

use tokio::sync::watch;

/// Where a router is stopped on its way through a turn: the named call never returns.
#[derive(Default)]
pub struct Trap {
    at: Mutex<Option<&'static str>>,
    caught: watch::Sender<bool>,
}

impl Trap {
    /// Lets the next call of this name never return.
    pub fn set(&self, at: &'static str) {
        *self.at.lock().unwrap() = Some(at);
    }

    /// Waits until somebody is caught.
    pub async fn caught(&self) {
        self.caught.subscribe().wait_for(|caught| *caught).await.unwrap();
    }

    /// Called by peers on their way; catches one caller.
    pub(super) async fn pass(&self, name: &str) {
        let is_caught = {
            let mut at = self.at.lock().unwrap();
            at.take_if(|at| *at == name).is_some()
        };
        if is_caught {
            self.caught.send_replace(true);
            std::future::pending::<()>().await;
        }
    }
}
