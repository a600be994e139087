//! The store of a registry that runs alone.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chassis::clock;

use super::{Claim, Occupancy, Store, Unavailable};
use crate::availability::Availability;
use crate::slots::{Grant, Release, Slots};

/// Slots and declared availability in this process.
#[derive(Debug, Default)]
pub struct Memory {
    agents: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    slots: Slots,
    declared: Availability,
}

impl Memory {
    fn agents(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, agent_id: &str, change: impl FnOnce(&mut Entry, i64) -> T) -> T {
        change(self.agents().entry(agent_id.to_owned()).or_default(), clock::now_ms())
    }
}

#[async_trait]
impl Store for Memory {
    async fn acquire(&self, claim: Claim<'_>, max: Option<i64>) -> Result<Grant, Unavailable> {
        let Claim { agent_id, holder, ttl_ms } = claim;
        Ok(self.with(agent_id, |entry, now_ms| {
            entry.slots.acquire(holder, now_ms.saturating_add(ttl_ms), max, now_ms)
        }))
    }

    async fn release(&self, agent_id: &str, holder: &str) -> Result<Release, Unavailable> {
        Ok(self.with(agent_id, |entry, now_ms| entry.slots.release(holder, now_ms)))
    }

    async fn hand_over(&self, from: &str, claim: Claim<'_>) -> Result<Release, Unavailable> {
        let Claim { agent_id, holder, ttl_ms } = claim;
        Ok(self.with(agent_id, |entry, now_ms| {
            entry.slots.hand_over(from, holder, now_ms.saturating_add(ttl_ms), now_ms)
        }))
    }

    async fn declare(
        &self,
        agent_id: &str,
        availability: Availability,
    ) -> Result<Availability, Unavailable> {
        Ok(self.with(agent_id, |entry, _| std::mem::replace(&mut entry.declared, availability)))
    }

    async fn occupancy(&self, agent_ids: &[String]) -> Result<Occupancy, Unavailable> {
        let now_ms = clock::now_ms();
        let mut agents = self.agents();
        let mut occupancy = Occupancy::default();
        for agent_id in agent_ids {
            let Some(entry) = agents.get_mut(agent_id) else { continue };
            let load = entry.slots.load(now_ms);
            if 0 < load {
                occupancy.loads.insert(agent_id.clone(), load);
            }
            if entry.declared != Availability::Available {
                occupancy.declared.insert(agent_id.clone(), entry.declared);
            }
        }
        // An agent that nobody occupies and nothing was said of need not be remembered.
        agents.retain(|_, entry| {
            0 < entry.slots.load(now_ms) || entry.declared != Availability::Available
        });
        Ok(occupancy)
    }
}
