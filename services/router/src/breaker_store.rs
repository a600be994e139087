//! Where breakers are kept: a port of one atomic step, in this process or shared by all replicas in Redis.

use async_trait::async_trait;

use crate::breaker::{Answer, Breaker, Event, Policy, State};

mod breakers;
mod memory;
mod redis;
#[cfg(test)]
mod tests;

pub use self::breakers::{Breakers, Permit, Refusal};
pub use self::memory::MemoryStore;
pub use self::redis::RedisStore;

/// Keeps the breakers of all agents.
#[async_trait]
pub trait BreakerStore: Send + Sync {
    /// Puts one event to one breaker, as one atomic step on the store's own time.
    async fn step(&self, agent_id: &str, event: Event) -> Result<Step, StoreError>;

    /// Every breaker that something has happened to, as it was last written.
    async fn all(&self) -> Result<Vec<(String, Breaker)>, StoreError>;
}

/// The store of breakers cannot be used now.
#[derive(Debug, thiserror::Error)]
#[error("the breaker store failed: {0}")]
pub struct StoreError(String);

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state before it.
    pub before: Breaker,
    /// The state after it.
    pub after: Breaker,
    /// What the machine said.
    pub answer: Answer,
    /// The store's time.
    pub now_ms: i64,
}

impl Step {
    /// The states that were entered, in order: time may bring about one and the event another.
    #[must_use]
    pub fn entered(&self, policy: &Policy) -> Vec<State> {
        let aged = self.before.clone().as_of(policy, self.now_ms);
        let path = [&self.before, &aged, &self.after];
        path.windows(2)
            .filter(|pair| pair[0].generation != pair[1].generation)
            .map(|pair| pair[1].state())
            .collect()
    }
}
