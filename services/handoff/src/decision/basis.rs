//! All that a selection looked at, as the decision record keeps it: the same basis gives the same decision again, byte
//! for byte.

use std::sync::Arc;

use proto::v1::{Agent, AgentState, HandoffDecision, Snapshot, Specialization, Trigger};
use serde::{Deserialize, Serialize};

use super::{Question, Rules, select};
use crate::roster::{Member, Roster};
use crate::wish::Kind;

/// How large a basis is kept: that of some hundred agents.
const STORED_BYTES_MAX: usize = 64 * 1024;

/// What a selection was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    rules: Rules,
    source: String,
    trigger: Cause,
    language: String,
    exclude: Vec<String>,
    breaker_refused: Vec<String>,
    default_agent: String,
    agents: Vec<Known>,
}

/// What counts of a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cause {
    r#type: String,
    required_skills: Vec<String>,
    target_domains: Vec<String>,
    target_agent: String,
    target_is_preference: bool,
    to_topic: String,
    is_failover: bool,
}

/// What counts of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    agent_id: String,
    display_name: String,
    skills: Vec<String>,
    domains: Vec<String>,
    languages: Vec<String>,
    specializations: Vec<(String, f64, f64)>,
    parent_agent: String,
    accepts_handoff: bool,
    sessions_max: Option<i64>,
    load: i64,
    availability: String,
}

impl Basis {
    /// What is about to be decided.
    #[must_use]
    pub fn of(roster: &Roster, question: &Question<'_>, rules: &Rules) -> Self {
        Self {
            rules: rules.clone(),
            source: question.source.to_owned(),
            trigger: Cause::of(question.trigger),
            language: question.language.to_owned(),
            exclude: question.exclude.to_vec(),
            breaker_refused: question.breaker_refused.to_vec(),
            default_agent: roster.snapshot().default_agent_id.clone(),
            agents: roster.members().map(Known::of).collect(),
        }
    }

    /// Decides again; nothing when the trigger is none.
    #[must_use]
    pub fn decide(&self) -> Option<HandoffDecision> {
        let agents = self.agents.iter().map(Known::state).collect();
        let default_agent_id = self.default_agent.clone();
        let roster = Roster::of(Arc::new(Snapshot { generation: 0, default_agent_id, agents }));
        let trigger = self.trigger.trigger();
        let question = Question {
            source: &self.source,
            trigger: &trigger,
            kind: Kind::parse(&trigger.r#type)?,
            language: &self.language,
            exclude: &self.exclude,
            breaker_refused: &self.breaker_refused,
        };
        Some(select(&roster, &question, &self.rules).into_message(&roster))
    }

    /// As it is stored; nothing when it is too large for that.
    #[must_use]
    pub fn json(&self) -> Option<String> {
        let json = serde_json::to_string(self).expect("a basis is plain data");
        (json.len() <= STORED_BYTES_MAX).then_some(json)
    }
}

impl Cause {
    fn of(trigger: &Trigger) -> Self {
        Self {
            r#type: trigger.r#type.clone(),
            required_skills: trigger.required_skills.clone(),
            target_domains: trigger.target_domains.clone(),
            target_agent: trigger.target_agent.clone(),
            target_is_preference: trigger.target_is_preference,
            to_topic: trigger.to_topic.clone(),
            is_failover: trigger.is_failover,
        }
    }

    fn trigger(&self) -> Trigger {
        Trigger {
            r#type: self.r#type.clone(),
            required_skills: self.required_skills.clone(),
            target_domains: self.target_domains.clone(),
            target_agent: self.target_agent.clone(),
            target_is_preference: self.target_is_preference,
            to_topic: self.to_topic.clone(),
            is_failover: self.is_failover,
            ..Trigger::default()
        }
    }
}

impl Known {
    fn of(Member { state, agent, .. }: Member<'_>) -> Self {
        let special = |known: &Specialization| {
            (known.domain.clone(), known.proficiency_level, known.min_confidence_threshold)
        };
        Self {
            agent_id: agent.agent_id.clone(),
            display_name: agent.display_name.clone(),
            skills: agent.skills.clone(),
            domains: agent.domains.clone(),
            languages: agent.languages.clone(),
            specializations: agent.specializations.iter().map(special).collect(),
            parent_agent: agent.parent_agent_id.clone(),
            accepts_handoff: agent.accepts_handoff,
            sessions_max: agent.max_concurrent_sessions,
            load: state.load,
            availability: state.availability.clone(),
        }
    }

    fn state(&self) -> AgentState {
        let special = |(domain, level, threshold): &(String, f64, f64)| Specialization {
            domain: domain.clone(),
            proficiency_level: *level,
            min_confidence_threshold: *threshold,
        };
        let agent = Agent {
            agent_id: self.agent_id.clone(),
            display_name: self.display_name.clone(),
            skills: self.skills.clone(),
            domains: self.domains.clone(),
            languages: self.languages.clone(),
            specializations: self.specializations.iter().map(special).collect(),
            parent_agent_id: self.parent_agent.clone(),
            accepts_handoff: self.accepts_handoff,
            max_concurrent_sessions: self.sessions_max,
            ..Agent::default()
        };
        AgentState { agent: Some(agent), availability: self.availability.clone(), load: self.load }
    }
}
