//! The agents as the registry last told them: kept in memory, never asked for in the course of a turn.

use std::sync::Arc;

use chassis::follow::follow;
use chassis::{Life, Link};
use proto::v1::registry_client::RegistryClient;
use proto::v1::{Agent, AgentState, Snapshot, WatchAgentsRequest};
use tokio::sync::watch;

use crate::dispatch::Dispatcher;
use crate::error::Error;

/// The present agents, for everyone who asks.
#[derive(Clone, Debug)]
pub struct Roster {
    latest: watch::Receiver<Option<Arc<Snapshot>>>,
}

/// All agents of one moment, sorted by id.
#[derive(Clone, Debug)]
pub struct Agents {
    snapshot: Arc<Snapshot>,
}

impl Roster {
    /// Follows the registry.
    #[must_use]
    pub fn follow(life: &Life, registry: Link) -> Self {
        let latest = follow(life, "registry", move || {
            let mut client = RegistryClient::new(registry.clone());
            async move { client.watch_agents(WatchAgentsRequest::default()).await }
        });
        Self { latest }
    }

    /// A registry that never changes.
    #[cfg(test)]
    pub(crate) fn of(snapshot: Snapshot) -> Self {
        Self { latest: watch::channel(Some(Arc::new(snapshot))).1 }
    }

    /// The agents as of now.
    pub fn now(&self) -> Result<Agents, Error> {
        let snapshot = self.latest.borrow().clone();
        snapshot.map(|snapshot| Agents { snapshot }).ok_or(Error::RegistryNotLoaded)
    }

    /// Lets the dispatcher go of agents that are no longer defined as they were.
    pub fn retire(&self, life: &Life, dispatcher: Dispatcher) {
        let mut latest = self.latest.clone();
        let stop = life.token();
        life.spawn("retire agents", async move {
            let retire = async {
                while latest.changed().await.is_ok() {
                    let generation = latest.borrow().as_ref().map(|snapshot| snapshot.generation);
                    dispatcher.retire(generation.unwrap_or_default());
                }
            };
            let _ = stop.run_until_cancelled(retire).await;
        });
    }
}

impl Agents {
    /// The agents of a snapshot.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        Self { snapshot: Arc::new(snapshot) }
    }

    /// Raised by every change of the definitions.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot.generation
    }

    /// Who takes what nobody else should.
    #[must_use]
    pub fn default_id(&self) -> &str {
        &self.snapshot.default_agent_id
    }

    /// What is known of all agents.
    #[must_use]
    pub fn states(&self) -> &[AgentState] {
        &self.snapshot.agents
    }

    /// What is known of an agent.
    #[must_use]
    pub fn state(&self, agent_id: &str) -> Option<&AgentState> {
        let agents = &self.snapshot.agents;
        let at = agents.binary_search_by(|state| id_of(state).cmp(agent_id));
        at.ok().map(|at| &agents[at])
    }

    /// The definition of an agent.
    #[must_use]
    pub fn get(&self, agent_id: &str) -> Option<&Agent> {
        self.state(agent_id)?.agent.as_ref()
    }

    /// The ids of all agents.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let agents = self.snapshot.agents.iter().filter_map(|state| state.agent.as_ref());
        agents.map(|agent| agent.agent_id.clone()).collect()
    }
}

fn id_of(state: &AgentState) -> &str {
    state.agent.as_ref().map_or("", |agent| &agent.agent_id)
}
