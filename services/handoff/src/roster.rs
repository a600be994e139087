//! The agents of one generation, prepared for comparing: their terms are numbers, so that a choice among a thousand
//! agents compares integers and no texts.

use std::collections::HashMap;
use std::sync::Arc;

use proto::v1::{Agent, AgentState, Snapshot};

/// All agents of a snapshot with their skills and domains as sorted sets of term numbers.
pub struct Roster {
    given: Arc<Snapshot>,
    snapshot: Arc<Snapshot>,
    traits: Vec<Traits>,
    terms: HashMap<String, u32>,
}

/// What an agent can do, lower-cased and without repetition.
pub struct Traits {
    /// Term numbers of its skills.
    pub skills: Vec<u32>,
    /// Term numbers of its domains.
    pub domains: Vec<u32>,
    /// Its languages in lower case; empty means any.
    pub languages: Vec<String>,
}

/// A set of asked terms: those that some agent has, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Numbers of the terms that the roster knows.
    pub known: Vec<u32>,
    /// The size of the set.
    pub count: usize,
}

/// One agent with its traits and its place in the roster.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// The position, which is also the order by id.
    pub index: usize,
    /// The agent and what is known of it right now.
    pub state: &'a AgentState,
    /// Its definition.
    pub agent: &'a Agent,
    /// Its terms.
    pub traits: &'a Traits,
}

impl Roster {
    /// Prepares a snapshot; agents without a definition are left out.
    #[must_use]
    pub fn of(given: Arc<Snapshot>) -> Self {
        let mut snapshot = given.clone();
        let is_ready = snapshot.agents.iter().all(|state| state.agent.is_some())
            && snapshot.agents.is_sorted_by_key(id_of);
        if !is_ready {
            let agents = &mut Arc::make_mut(&mut snapshot).agents;
            agents.retain(|state| state.agent.is_some());
            agents.sort_by(|one, other| id_of(one).cmp(&id_of(other)));
        }
        let mut terms = HashMap::new();
        let traits = snapshot.agents.iter().filter_map(|state| state.agent.as_ref());
        let traits = traits
            .map(|agent| Traits {
                skills: number(&agent.skills, &mut terms),
                domains: number(&agent.domains, &mut terms),
                languages: agent.languages.iter().map(|tag| tag.to_lowercase()).collect(),
            })
            .collect();
        Self { given, snapshot, traits, terms }
    }

    /// Whether this is what the snapshot was prepared to.
    #[must_use]
    pub fn is_of(&self, snapshot: &Arc<Snapshot>) -> bool {
        Arc::ptr_eq(&self.given, snapshot)
    }

    /// The snapshot that was prepared.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The agents in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.snapshot.agents.iter().zip(&self.traits).enumerate().filter_map(
            |(index, (state, traits))| {
                let agent = state.agent.as_ref()?;
                Some(Member { index, state, agent, traits })
            },
        )
    }

    /// The agent of this id.
    #[must_use]
    pub fn member(&self, agent_id: &str) -> Option<Member<'_>> {
        let agents = &self.snapshot.agents;
        let index = agents.binary_search_by(|state| id_of(state).cmp(&Some(agent_id))).ok()?;
        self.at(index)
    }

    /// The agent at this position.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<Member<'_>> {
        let state = self.snapshot.agents.get(index)?;
        Some(Member { index, state, agent: state.agent.as_ref()?, traits: self.traits.get(index)? })
    }

    /// The terms as a set, in the roster's numbers.
    #[must_use]
    pub fn terms(&self, texts: &[String]) -> Terms {
        let mut texts: Vec<String> = texts.iter().map(|text| text.trim().to_lowercase()).collect();
        texts.sort_unstable();
        texts.dedup();
        texts.retain(|text| !text.is_empty());
        let mut known: Vec<u32> =
            texts.iter().filter_map(|text| self.terms.get(text).copied()).collect();
        known.sort_unstable();
        Terms { known, count: texts.len() }
    }
}

impl Terms {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many of these terms an agent has.
    #[must_use]
    pub fn shared(&self, owned: &[u32]) -> usize {
        self.known.iter().filter(|term| owned.contains(term)).count()
    }
}

fn id_of(state: &AgentState) -> Option<&str> {
    state.agent.as_ref().map(|agent| agent.agent_id.as_str())
}

fn number(texts: &[String], terms: &mut HashMap<String, u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::with_capacity(texts.len());
    for text in texts {
        let next = u32::try_from(terms.len()).expect("an agent set has few terms");
        numbers.push(*terms.entry(text.trim().to_lowercase()).or_insert(next));
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
