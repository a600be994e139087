//! The agents of the present generation with the model that was learned from them, made anew with every generation.
//!
//! The static tier has learned a generation in a moment. Where there is a sentence model, that one looks at every text of
//! the definitions, which takes seconds; the static tier answers in the meantime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chassis::Life;
use proto::v1::{Agent, Snapshot};
use tokio::sync::watch;

use crate::clarify::Candidate;
use crate::model::{self, Model, Profile};
use crate::sentence::Sentences;
use crate::tier::Tier;
use crate::vectors::Vectors;

/// What learns a generation.
#[derive(Clone, Debug)]
pub struct Tiers {
    /// The static tier.
    pub vectors: Arc<Vectors>,
    /// The model tier, where there is a sentence model.
    pub sentences: Option<Arc<Sentences>>,
}

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
    pub model: Arc<Model>,
    /// Whether a better tier is about to learn the same generation.
    pub is_learning: bool,
}

impl Standing {
    /// Learns a snapshot as a tier sees it; none when it has no agent.
    #[must_use]
    pub fn of(snapshot: &Snapshot, tier: Arc<dyn Tier>) -> Option<Self> {
        let profiles = profiles(snapshot);
        if profiles.is_empty() {
            return None;
        }
        let named = |agent: &Agent| (agent.agent_id.clone(), candidate(agent));
        Some(Self {
            generation: snapshot.generation,
            default_agent_id: snapshot.default_agent_id.clone(),
            candidates: agents(snapshot).map(named).collect(),
            model: Arc::new(Model::learn(&profiles, tier)),
            profiles,
            is_learning: false,
        })
    }
}

/// Follows the snapshots of the registry; a new generation replaces the old one when its model is ready, and load and
/// availability change nothing.
pub fn keep(
    life: &Life,
    mut snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    tiers: Tiers,
) -> watch::Receiver<Option<Arc<Standing>>> {
    let (sender, receiver) = watch::channel(None);
    let stop = life.token();
    life.spawn("classifier model", async move {
        let keeping = async {
            let mut known = None;
            while let Some(snapshot) = another(&mut snapshots, known).await {
                known = Some(snapshot.generation);
                learn(&snapshot, &tiers, &sender).await;
                if let Some(sentences) = &tiers.sentences {
                    let mut ahead = snapshots.clone();
                    tokio::select! {
                        () = deepen(&snapshot, sentences, &sender) => {}
                        // What is no longer true need not be learned to its end.
                        _ = another(&mut ahead, known) => {}
                    }
                }
            }
        };
        let _ = stop.run_until_cancelled(keeping).await;
    });
    receiver
}

/// Waits for another generation than the known one; none when the registry is gone for good.
async fn another(
    snapshots: &mut watch::Receiver<Option<Arc<Snapshot>>>,
    known: Option<u64>,
) -> Option<Arc<Snapshot>> {
    let is_another = |told: &Option<Arc<Snapshot>>| {
        told.as_ref().is_some_and(|snapshot| Some(snapshot.generation) != known)
    };
    snapshots.wait_for(is_another).await.ok().and_then(|told| told.clone())
}

async fn learn(
    snapshot: &Arc<Snapshot>,
    tiers: &Tiers,
    sender: &watch::Sender<Option<Arc<Standing>>>,
) {
    let (snapshot, vectors) = (snapshot.clone(), tiers.vectors.clone());
    let is_learning = tiers.sentences.is_some();
    let learning = move || {
        let standing = Standing::of(&snapshot, vectors)?;
        Some(Standing { is_learning, ..standing })
    };
    stand(learning, sender).await;
}

async fn deepen(
    snapshot: &Arc<Snapshot>,
    sentences: &Arc<Sentences>,
    sender: &watch::Sender<Option<Arc<Standing>>>,
) {
    let (snapshot, sentences) = (snapshot.clone(), sentences.clone());
    let stop = Stop(Arc::default());
    let told = stop.0.clone();
    let learning = move || {
        let texts = model::texts(&profiles(&snapshot));
        let is_complete = sentences.study(&texts, &told);
        is_complete.then(|| Standing::of(&snapshot, sentences)).flatten()
    };
    stand(learning, sender).await;
}

/// Learns away from the asynchronous threads, and puts what was learned in the place of what stood.
async fn stand(
    learning: impl FnOnce() -> Option<Standing> + Send + 'static,
    sender: &watch::Sender<Option<Arc<Standing>>>,
) {
    let started = Instant::now();
    match tokio::task::spawn_blocking(learning).await {
        Ok(Some(standing)) => {
            let (generation, agents) = (standing.generation, standing.profiles.len());
            let (tier, revision) = (standing.model.tier().name(), standing.model.tier().revision());
            let took_ms = started.elapsed().as_millis();
            tracing::info!(
                generation,
                agents,
                tier,
                revision,
                took_ms,
                "the classifier has learned a generation"
            );
            sender.send_replace(Some(Arc::new(standing)));
        }
        Ok(None) => tracing::warn!("the registry has no agents to learn from"),
        Err(error) => tracing::error!(%error, "a generation could not be learned"),
    }
}

/// Tells who learns to stop when nobody waits for it any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn agents(snapshot: &Snapshot) -> impl Iterator<Item = &Agent> {
    snapshot.agents.iter().filter_map(|state| state.agent.as_ref())
}

fn profiles(snapshot: &Snapshot) -> Vec<Profile> {
    let told = agents(snapshot).map(|agent| profile(agent, &snapshot.default_agent_id));
    let mut profiles: Vec<Profile> = told.collect();
    profiles.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
    profiles
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
