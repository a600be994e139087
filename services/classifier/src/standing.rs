//! The agents of the present generation with the model that was learned from them, made anew with every generation.

use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::Life;
use proto::v1::{Agent, Snapshot};
use tokio::sync::watch;

use crate::clarify::Candidate;
use crate::model::{Model, Profile};
use crate::vectors::Vectors;

/// What the classifier knows of one generation of definitions.
#[derive(Debug)]
pub struct Standing {
    /// The generation of the registry.
    pub generation: u64,
    /// The agent that takes what fits no other.
    pub default_agent_id: String,
    /// Each agent as a question names it.
    pub candidates: BTreeMap<String, Candidate>,
    /// What each definition says, ascending by id.
    pub profiles: Vec<Profile>,
    /// The local model.
    pub model: Model,
}

impl Standing {
    /// Learns a snapshot; none when it has no agent.
    #[must_use]
    pub fn of(snapshot: &Snapshot, vectors: Arc<Vectors>) -> Option<Self> {
        let agents = || snapshot.agents.iter().filter_map(|state| state.agent.as_ref());
        let mut profiles: Vec<Profile> =
            agents().map(|agent| profile(agent, &snapshot.default_agent_id)).collect();
        profiles.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
        if profiles.is_empty() {
            return None;
        }
        Some(Self {
            generation: snapshot.generation,
            default_agent_id: snapshot.default_agent_id.clone(),
            candidates: agents().map(|agent| (agent.agent_id.clone(), candidate(agent))).collect(),
            model: Model::learn(&profiles, vectors),
            profiles,
        })
    }
}

/// Follows the snapshots of the registry; a new generation replaces the old one when its model is ready, and load and
/// availability change nothing.
pub fn keep(
    life: &Life,
    mut snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    vectors: Arc<Vectors>,
) -> watch::Receiver<Option<Arc<Standing>>> {
    let (sender, receiver) = watch::channel(None);
    let stop = life.token();
    life.spawn("classifier model", async move {
        let keeping = async {
            loop {
                let snapshot = snapshots.borrow_and_update().clone();
                if let Some(snapshot) = snapshot {
                    learn(snapshot, &vectors, &sender).await;
                }
                if snapshots.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = stop.run_until_cancelled(keeping).await;
    });
    receiver
}

async fn learn(
    snapshot: Arc<Snapshot>,
    vectors: &Arc<Vectors>,
    sender: &watch::Sender<Option<Arc<Standing>>>,
) {
    let known = sender.borrow().as_ref().map(|standing| standing.generation);
    if known == Some(snapshot.generation) {
        return;
    }
    let vectors = vectors.clone();
    let learned = tokio::task::spawn_blocking(move || Standing::of(&snapshot, vectors)).await;
    match learned {
        Ok(Some(standing)) => {
            let (generation, agents) = (standing.generation, standing.profiles.len());
            tracing::info!(generation, agents, "the classifier has learned a generation");
            sender.send_replace(Some(Arc::new(standing)));
        }
        Ok(None) => tracing::warn!("the registry has no agents to learn from"),
        Err(error) => tracing::error!(%error, "a generation could not be learned"),
    }
}

fn profile(agent: &Agent, default_agent_id: &str) -> Profile {
    Profile {
        agent_id: agent.agent_id.clone(),
        description: agent.description.clone(),
        examples: agent.examples.clone(),
        skills: agent.skills.clone(),
        domains: agent.domains.clone(),
        is_default: agent.agent_id == default_agent_id,
    }
}

fn candidate(agent: &Agent) -> Candidate {
    Candidate {
        display_name: agent.display_name.clone(),
        context: agent.clarification_context.clone(),
    }
}
