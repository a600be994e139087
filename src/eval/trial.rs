//! A labelled text put to classifier and gate.

use std::collections::BTreeMap;

use classifier::eval::{Action, Line, Outcome};
use proto::v1::{Agent, Classification, Snapshot};
use router::gate;
use serde::Serialize;

/// What became of a text.
pub(super) struct Trial {
    /// What a report counts.
    pub(super) outcome: Outcome,
    /// Who decided and in which way.
    pub(super) tier: String,
    /// The revision of what decided.
    pub(super) revision: String,
    /// Why the local model decided in place of a language model; empty when it did not.
    pub(super) fallback_reason: String,
}

/// A line of the file of predictions.
#[derive(Serialize)]
pub(super) struct Prediction<'a> {
    text: &'a str,
    label: &'a str,
    agent_id: &'a str,
    confidence: f64,
    ambiguous: bool,
    agent_scores: Vec<Score<'a>>,
    action: Action,
}

#[derive(Serialize)]
struct Score<'a> {
    agent_id: &'a str,
    score: f64,
}

/// The rules by which the gate decides.
pub(super) struct Gate<'a> {
    agents: BTreeMap<&'a str, &'a Agent>,
    default_agent: &'a str,
    may_ask: bool,
}

impl<'a> Gate<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, may_ask: bool) -> Self {
        let agents = snapshot.agents.iter().filter_map(|state| state.agent.as_ref());
        Self {
            agents: agents.map(|agent| (agent.agent_id.as_str(), agent)).collect(),
            default_agent: &snapshot.default_agent_id,
            may_ask,
        }
    }

    /// The agents, ascending by id.
    pub(super) fn agents(&self) -> impl Iterator<Item = &'a Agent> {
        self.agents.values().copied()
    }

    /// Whether customers are asked when the confidence of an agent is too low.
    pub(super) fn asks(&self, agent: &Agent) -> bool {
        agent.clarification_required && self.may_ask
    }

    fn action(&self, said: &Classification) -> Action {
        let candidate = self.agents.get(said.agent_id.as_str()).map(|agent| gate::Candidate {
            is_default: agent.is_default,
            threshold: agent.confidence_threshold,
            clarification_required: agent.clarification_required,
        });
        let question = gate::Question {
            agent_id: said.agent_id.clone(),
            confidence: said.confidence,
            ambiguous: said.ambiguous,
            bypass: false,
            may_ask: self.may_ask,
            candidate,
            default_agent: self.default_agent.to_owned(),
        };
        match question.decide().action {
            gate::Action::Route => Action::Route,
            gate::Action::Clarify => Action::Clarify,
            gate::Action::Fallback => Action::Fallback,
        }
    }
}

impl Trial {
    /// What the gate makes of a classification.
    pub(super) fn of(line: &Line, said: Classification, gate: &Gate<'_>) -> Self {
        let action = gate.action(&said);
        let scores = said.agent_scores.into_iter();
        Self {
            outcome: Outcome {
                label: line.label.clone(),
                agent_id: said.agent_id,
                confidence: said.confidence,
                ambiguous: said.ambiguous,
                agent_scores: scores.map(|score| (score.agent_id, score.score)).collect(),
                action,
            },
            tier: said.tier,
            revision: said.revision,
            fallback_reason: said.fallback_reason,
        }
    }

    /// The line that the file of predictions gets.
    pub(super) fn prediction<'a>(&'a self, text: &'a str) -> Prediction<'a> {
        let outcome = &self.outcome;
        let score = |(agent_id, score): (&'a String, &f64)| Score { agent_id, score: *score };
        Prediction {
            text,
            label: &outcome.label,
            agent_id: &outcome.agent_id,
            confidence: outcome.confidence,
            ambiguous: outcome.ambiguous,
            agent_scores: outcome.agent_scores.iter().map(score).collect(),
            action: outcome.action,
        }
    }
}
