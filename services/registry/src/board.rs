//! What the registry shows: one snapshot of definitions, availability and load, for readers and watchers alike.

use std::sync::{Arc, Mutex, PoisonError};

use proto::v1::{AgentState, Snapshot};
use tokio::sync::watch;

use crate::availability::{Availability, Probes};
use crate::definition::set::Set;
use crate::store::Occupancy;

/// The present snapshot, and what it is made of.
pub struct Board {
    parts: Mutex<Parts>,
    shown: watch::Sender<Arc<Snapshot>>,
}

struct Parts {
    set: Arc<Set>,
    news: News,
}

/// All that can change. The generation stands for the set, which is too large to be compared each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct News {
    generation: u64,
    occupancy: Occupancy,
    probes: Probes,
}

impl Board {
    /// A board that shows the first set.
    pub fn new(set: Set, generation: u64) -> Self {
        let news = News { generation, ..News::default() };
        let parts = Parts { set: Arc::new(set), news };
        let (shown, _) = watch::channel(Arc::new(parts.snapshot()));
        Self { parts: Mutex::new(parts), shown }
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shown.borrow().clone()
    }

    /// The present snapshot at once, then each later one; one that comes too late for a slow reader is left out.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.shown.subscribe()
    }

    /// The present set.
    pub fn set(&self) -> Arc<Set> {
        self.lock().set.clone()
    }

    /// Shows another set and returns its generation.
    pub fn replace(&self, set: Set) -> u64 {
        self.change(|parts| {
            let old = std::mem::replace(&mut parts.set, Arc::new(set));
            parts.news.generation += 1;
            // What was found out about another endpoint says nothing about this one.
            let endpoint = |set: &Set, id: &str| set.agent(id).map(|agent| agent.endpoint.clone());
            let new = parts.set.clone();
            parts.news.probes.keep(|id| endpoint(&old, id) == endpoint(&new, id));
            parts.news.generation
        })
    }

    /// Takes in how occupied the agents are.
    pub fn occupy(&self, occupancy: Occupancy) {
        self.change(|parts| parts.news.occupancy = occupancy);
    }

    /// Takes in what was declared of an agent; returns what held before.
    pub fn declare(&self, agent_id: &str, availability: Availability) -> Availability {
        self.change(|parts| {
            let before = parts.availability(agent_id);
            let declared = &mut parts.news.occupancy.declared;
            declared.insert(agent_id.to_owned(), availability);
            declared.retain(|_, availability| *availability != Availability::Available);
            parts.news.probes.forget(agent_id);
            before
        })
    }

    /// Takes in what probes found.
    pub fn probed(&self, results: &[(String, bool)]) {
        self.change(|parts| {
            for (agent_id, is_alive) in results {
                parts.news.probes.record(agent_id, *is_alive);
            }
        });
    }

    /// The last known load of an agent.
    pub fn load(&self, agent_id: &str) -> i64 {
        self.lock().news.occupancy.loads.get(agent_id).copied().unwrap_or(0)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Parts) -> T) -> T {
        let mut parts = self.lock();
        let before = parts.news.clone();
        let result = change(&mut parts);
        if parts.news != before {
            // Shown under the lock, so that snapshots appear in the order of their causes.
            self.shown.send_replace(Arc::new(parts.snapshot()));
        }
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    fn availability(&self, agent_id: &str) -> Availability {
        let declared = self.news.occupancy.declared.get(agent_id).copied().unwrap_or_default();
        self.news.probes.verdict(agent_id, declared)
    }

    fn snapshot(&self) -> Snapshot {
        let state = |agent: &proto::v1::Agent| AgentState {
            availability: self.availability(&agent.agent_id).to_string(),
            load: self.news.occupancy.loads.get(&agent.agent_id).copied().unwrap_or(0),
            agent: Some(agent.clone()),
        };
        Snapshot {
            generation: self.news.generation,
            default_agent_id: self.set.default_agent_id.clone(),
            agents: self.set.agents.iter().map(state).collect(),
        }
    }
}
