//! Breakers in this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chassis::clock;

use super::{BreakerStore, Step, StoreError};
use crate::breaker::{Breaker, Event, Policy};

/// Breakers in this process, on its own time.
#[derive(Debug)]
pub struct MemoryStore {
    policy: Policy,
    breakers: Mutex<HashMap<String, Breaker>>,
}

impl MemoryStore {
    /// A store in which every breaker is closed.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, breakers: Mutex::default() }
    }

    /// Puts one event to one breaker.
    pub fn step_at(&self, agent_id: &str, event: Event, now_ms: i64) -> Step {
        let mut breakers = self.lock();
        let before = breakers.get(agent_id).cloned().unwrap_or_default();
        let (after, answer) = before.clone().step(&self.policy, event, now_ms);
        if after != before {
            breakers.insert(agent_id.to_owned(), after.clone());
        }
        Step { before, after, answer, now_ms }
    }

    /// Overwrites one breaker with what is known of it elsewhere, unless more is known here.
    pub fn put(&self, agent_id: &str, breaker: Breaker) {
        let mut breakers = self.lock();
        match breakers.get_mut(agent_id) {
            Some(known) if known.generation <= breaker.generation => *known = breaker,
            Some(_) => {}
            None if breaker == Breaker::default() => {}
            None => drop(breakers.insert(agent_id.to_owned(), breaker)),
        }
    }

    /// Overwrites every breaker with what is known elsewhere.
    pub fn replace(&self, breakers: Vec<(String, Breaker)>) {
        *self.lock() = breakers.into_iter().collect();
    }

    /// Every breaker that something has happened to, as it was last written.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(String, Breaker)> {
        self.lock().iter().map(|(agent_id, breaker)| (agent_id.clone(), breaker.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BreakerStore for MemoryStore {
    async fn step(&self, agent_id: &str, event: Event) -> Result<Step, StoreError> {
        Ok(self.step_at(agent_id, event, clock::now_ms()))
    }

    async fn all(&self) -> Result<Vec<(String, Breaker)>, StoreError> {
        Ok(self.snapshot())
    }
}
