//! How good a classifier is on labelled texts (contract, section 11.4).
//!
//! Everything here is counting: who classifies, and what the gate makes of it, the caller says.

mod curve;
mod report;
#[cfg(test)]
mod tests;
mod threshold;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use report::{AgentReport, Report};

/// The label of a text that no agent should get.
pub const OUTSIDE: &str = "oos";

/// A labelled text, as a line of a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What a customer wrote.
    pub text: String,
    /// The agent that should get it, or `oos`.
    pub label: String,
}

/// What the gate makes of a classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The agent answers.
    Route,
    /// The customer is asked.
    Clarify,
    /// The default agent answers for want of a better one.
    Fallback,
}

/// What became of a labelled text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The agent that should get it, or `oos`.
    pub label: String,
    /// The agent that it was taken to be for.
    pub agent_id: String,
    /// How sure that is.
    pub confidence: f64,
    /// Whether another agent is nearly as likely.
    pub ambiguous: bool,
    /// The score of every agent.
    pub agent_scores: BTreeMap<String, f64>,
    /// What the gate says.
    pub action: Action,
}

/// What is known besides the outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// The agent that takes what fits no other.
    pub default_agent_id: String,
    /// Whether an agent has the customer asked when its confidence is too low, by agent; the others fall back.
    pub asks: BTreeMap<String, bool>,
    /// The threshold in force, by agent.
    pub thresholds: BTreeMap<String, f64>,
    /// What mistakes cost.
    pub costs: Costs,
}

/// What it costs to treat a customer in another way than answering by the right agent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Costs {
    /// An answer by the wrong agent.
    pub wrong_route: f64,
    /// A question.
    pub question: f64,
    /// An answer by the default agent to a text that another one should have got.
    pub fallback: f64,
}

impl Default for Costs {
    fn default() -> Self {
        Self { wrong_route: 5.0, question: 1.0, fallback: 2.0 }
    }
}

impl Outcome {
    /// Whether no agent should get the text.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.label == OUTSIDE
    }

    /// Whether the right agent was found; for a text that none should get, that is the default agent.
    #[must_use]
    pub fn is_right(&self, default_agent_id: &str) -> bool {
        self.agent_id == if self.is_outside() { default_agent_id } else { &self.label }
    }

    /// How likely the text is meant for any agent but the default one.
    #[must_use]
    pub fn inside_score(&self, default_agent_id: &str) -> f64 {
        let others = self.agent_scores.iter().filter(|(id, _)| *id != default_agent_id);
        others.map(|(_, score)| *score).fold(0.0, f64::max)
    }
}
