//! Wakes turns that wait for another of their session. Turns of other processes are found by looking again and again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// How many bells there are; sessions share them.
const BELLS: usize = 64;
/// How long until a waiting turn looks again without having been woken.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The bells that sessions ring when a turn of theirs ends.
#[derive(Clone, Debug)]
pub struct Queue {
    bells: Arc<[Notify; BELLS]>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { bells: Arc::new(std::array::from_fn(|_| Notify::new())) }
    }
}

impl Queue {
    /// Says that a turn of the session has ended.
    pub fn ring(&self, session_id: &str) {
        self.bell(session_id).notify_waiters();
    }

    /// Looks until there is something to see: at once, whenever the session rings, and now and then.
    pub async fn until<T, E, F, Fut>(&self, session_id: &str, mut look: F) -> Result<T, E>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Option<T>, E>>,
    {
        loop {
            let rung = self.bell(session_id).notified();
            tokio::pin!(rung);
            // Whoever rings while we look must not go unheard.
            rung.as_mut().enable();
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            let _ = tokio::time::timeout(LOOK_INTERVAL, rung).await;
        }
    }

    fn bell(&self, session_id: &str) -> &Notify {
        let mut hasher = DefaultHasher::new();
        session_id.hash(&mut hasher);
        let at = hasher.finish() % BELLS as u64;
        &self.bells[usize::try_from(at).expect("it is less than the number of bells")]
    }
}
