//! What the replicas of the registry share: the slots of agents and their declared availability.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::availability::Availability;
use crate::slots::{Grant, Release};

#[cfg(test)]
mod contract;
pub mod memory;
pub mod redis;

pub use self::memory::Memory;
pub use self::redis::Shared;

/// A claim of one holder on one agent.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The agent.
    pub agent_id: &'a str,
    /// A session or a handoff.
    pub holder: &'a str,
    /// How long the slot lives unless it is renewed.
    pub ttl_ms: i64,
}

/// How occupied each agent is, and what was declared of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Live slots by agent; none means 0.
    pub loads: BTreeMap<String, i64>,
    /// Declared availability by agent; none means available.
    pub declared: BTreeMap<String, Availability>,
}

/// The store cannot be asked right now.
#[derive(Debug, thiserror::Error)]
#[error("the slot store failed: {0}")]
pub struct Unavailable(#[from] pub ::redis::RedisError);

/// Slots and declared availability. Each method is one atomic step.
#[async_trait]
pub trait Store: Send + Sync {
    /// Gives the holder a slot or renews it, unless `max` other slots are live.
    async fn acquire(&self, claim: Claim<'_>, max: Option<i64>) -> Result<Grant, Unavailable>;

    /// Frees the slot of a holder.
    async fn release(&self, agent_id: &str, holder: &str) -> Result<Release, Unavailable>;

    /// Gives the slot of `from` to the holder of the claim. It may be repeated.
    async fn hand_over(&self, from: &str, claim: Claim<'_>) -> Result<Release, Unavailable>;

    /// Declares the availability of an agent and returns what was declared before.
    async fn declare(
        &self,
        agent_id: &str,
        availability: Availability,
    ) -> Result<Availability, Unavailable>;

    /// How things stand for these agents.
    async fn occupancy(&self, agent_ids: &[String]) -> Result<Occupancy, Unavailable>;
}
