//! The confidence gate (contract, section 12): a classification and what is known of the agents give one decision.
//!
//! It reads nothing but its arguments, so that a stored decision can be made again and compared.

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// All that the gate looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Whom the classification names.
    pub agent_id: String,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Whether another agent is nearly as likely.
    pub ambiguous: bool,
    /// Whether the session's agent goes on without classification.
    pub bypass: bool,
    /// Whether the user may be asked back.
    pub may_ask: bool,
    /// The rules of the named agent; absent when it is not loaded.
    pub candidate: Option<Candidate>,
    /// Who takes what nobody else should.
    pub default_agent: String,
}

/// What an agent's definition says to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Whether it is the default agent.
    pub is_default: bool,
    /// From which confidence on it takes a message.
    pub threshold: f64,
    /// Whether it would rather have the user asked than lose the message.
    pub clarification_required: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Let the agent answer.
    Route,
    /// Ask the user which agent is meant.
    Clarify,
    /// Let the default agent answer for want of a better one.
    Fallback,
}

impl Action {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Clarify => "clarify",
            Self::Fallback => "fallback",
        }
    }
}

/// The gate's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Who answers, or, when the user is asked, who was suggested.
    pub agent_id: String,
    /// Why, for people.
    pub reason: String,
    /// The row of the contract's table, 1 to 6.
    pub rule: u8,
}

impl Question {
    /// The first row of the table that matches.
    #[must_use]
    pub fn decide(&self) -> Decision {
        let Some(candidate) = self.candidate else {
            let reason = format!("Unknown agent_id '{}', routing to default", self.agent_id);
            return self.to_default(Action::Route, reason, 1);
        };
        if candidate.is_default {
            let reason = "Default agent, routing directly".to_owned();
            return self.to_default(Action::Route, reason, 2);
        }
        if self.bypass {
            let reason = "Session bypass, routing directly to session agent".to_owned();
            return self.to_candidate(Action::Route, reason, 3);
        }
        let threshold = number(candidate.threshold);
        let is_sure = candidate.threshold <= self.confidence;
        if is_sure && !self.ambiguous {
            let confidence = number(self.confidence);
            let reason = format!("Confidence {confidence} >= threshold {threshold}");
            return self.to_candidate(Action::Route, reason, 4);
        }
        let doubt =
            if is_sure { "Ambiguous".to_owned() } else { format!("Below threshold {threshold}") };
        if candidate.clarification_required && self.may_ask {
            let reason = format!("{doubt}, clarification required");
            return self.to_candidate(Action::Clarify, reason, 5);
        }
        self.to_default(Action::Fallback, format!("{doubt}, falling back to default"), 6)
    }

    fn to_candidate(&self, action: Action, reason: String, rule: u8) -> Decision {
        Decision { action, agent_id: self.agent_id.clone(), reason, rule }
    }

    fn to_default(&self, action: Action, reason: String, rule: u8) -> Decision {
        Decision { action, agent_id: self.default_agent.clone(), reason, rule }
    }
}

/// The shortest form with at most four decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
