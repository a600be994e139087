//! Why a turn went where it went (contract, section 4.4): enough to make its decisions again.

use std::time::Instant;

use proto::v1::{Classification, HandoffDecision, ScopeState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gate;
use crate::trigger::Topic;

#[cfg(test)]
mod tests;

/// The decision record of one turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The owner's id of the turn.
    pub request_id: String,
    /// Our id of it.
    pub turn_id: String,
    /// The session.
    pub session_id: String,
    /// Which attempt this was.
    pub attempt: i64,
    /// What was said, without saying it.
    pub input: Input,
    /// The definitions that held.
    pub registry_generation: u64,
    /// Whether the session's agent went on without classification.
    pub bypass: bool,
    /// What the classifier said.
    pub classification: Option<Classified>,
    /// What the gate was asked, and said.
    pub gate: Option<Gated>,
    /// What topic detection was asked.
    pub topic: Option<Topic>,
    /// Every agent that was to be called.
    pub dispatches: Vec<Dispatched>,
    /// Every handoff that was tried.
    pub handoffs: Vec<Transferred>,
    /// How the turn ended: `answer`, `clarification` or a code.
    pub outcome: String,
    /// How long each step took, in order.
    pub timings: Vec<Timing>,
}

/// What was said, without saying it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its digest.
    pub sha256: String,
    /// Its length in characters.
    pub length: usize,
}

/// What the classifier said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// The likeliest agent.
    pub agent_id: String,
    /// How likely.
    pub confidence: f64,
    /// Whether another is nearly as likely.
    pub ambiguous: bool,
    /// The language.
    pub language: String,
    /// `local` or `llm`.
    pub mode: String,
    /// The tier within the mode.
    pub tier: String,
    /// Which model.
    pub revision: String,
    /// Why it was not the model that should have been asked.
    pub fallback_reason: String,
    /// All agents with their scores.
    pub scores: Vec<(String, f64)>,
}

/// A question to the gate and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gated {
    /// The question.
    pub question: gate::Question,
    /// The answer.
    pub decision: gate::Decision,
}

/// An agent that was to be called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dispatched {
    /// The agent.
    pub agent_id: String,
    /// How many handoffs came before.
    pub hop: i64,
    /// Under which id it was charged.
    pub charge_id: String,
    /// What the budget decided.
    pub budget_action: String,
    /// What was reserved.
    pub reserved_micros: i64,
    /// The scope that was tightest.
    pub tightest: Option<Tightest>,
    /// `granted`, or `refused` by the breaker.
    pub breaker: String,
    /// Whether the agent had a free slot.
    pub slot: bool,
    /// How many attempts the call took.
    pub attempts: u32,
    /// `answered`, or the code of what went wrong.
    pub outcome: String,
}

/// The scope that was tightest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tightest {
    /// As `type:key`.
    pub scope: String,
    /// What may be spent.
    pub limit_micros: i64,
    /// What was left before.
    pub remaining_micros: i64,
}

/// A handoff that was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transferred {
    /// Its id.
    pub handoff_id: String,
    /// From whom.
    pub from_agent: String,
    /// Why.
    pub trigger: String,
    /// `primary`, `clarification` or `fallback`.
    pub decision: String,
    /// Why not, if not.
    pub reason: String,
    /// Who took over.
    pub accepted_agent: String,
    /// Whom the router ruled out: seen in this turn, or refused by their breakers.
    pub excluded: Vec<String>,
    /// Whom it was chosen from, best first.
    pub candidates: Vec<Scored>,
    /// All that it was chosen by, so that it can be chosen again.
    #[serde(default)]
    pub basis: Value,
    /// Who refused.
    pub rejections: Vec<(String, String)>,
}

/// A candidate with the parts of its score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The agent.
    pub agent_id: String,
    /// Its score.
    pub score_millionths: i64,
    /// The part of its skills.
    pub skill: Option<f64>,
    /// The part of its domains.
    pub domain: Option<f64>,
    /// The part of its load.
    pub load: Option<f64>,
    /// The part of its languages.
    pub language: Option<f64>,
}

/// How long a step took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The step.
    pub step: String,
    /// In microseconds.
    pub micros: u64,
}

impl Record {
    /// Notes how long a step took.
    pub fn time(&mut self, step: &str, since: Instant) {
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.timings.push(Timing { step: step.to_owned(), micros });
    }

    /// The record as it is stored.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data")
    }
}

impl Gated {
    /// Whether the gate says the same again.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.question.decide() == self.decision
    }
}

impl From<&Classification> for Classified {
    fn from(said: &Classification) -> Self {
        let scores = said.agent_scores.iter();
        Self {
            agent_id: said.agent_id.clone(),
            confidence: said.confidence,
            ambiguous: said.ambiguous,
            language: said.detected_language.clone(),
            mode: said.mode.clone(),
            tier: said.tier.clone(),
            revision: said.revision.clone(),
            fallback_reason: said.fallback_reason.clone(),
            scores: scores.map(|scored| (scored.agent_id.clone(), scored.score)).collect(),
        }
    }
}

impl Tightest {
    /// The scope with the least left.
    #[must_use]
    pub fn of(scopes: &[ScopeState]) -> Option<Self> {
        let tightest = scopes.iter().min_by_key(|scope| scope.remaining_micros)?;
        Some(Self {
            scope: scope_name(tightest),
            limit_micros: tightest.limit_micros,
            remaining_micros: tightest.remaining_micros,
        })
    }
}

/// A scope as `type:key`.
#[must_use]
pub fn scope_name(state: &ScopeState) -> String {
    let scope = state.scope.as_ref();
    scope.map(|scope| format!("{}:{}", scope.r#type, scope.key)).unwrap_or_default()
}

impl Transferred {
    /// Takes over what a handoff decision says.
    #[must_use]
    pub fn deciding(mut self, decision: &HandoffDecision) -> Self {
        self.decision.clone_from(&decision.r#type);
        self.reason.clone_from(&decision.reason);
        let scored = decision.candidates.iter().map(|candidate| Scored {
            agent_id: candidate.agent_id.clone(),
            score_millionths: candidate.score_millionths,
            skill: candidate.skill,
            domain: candidate.domain,
            load: candidate.load,
            language: candidate.language,
        });
        self.candidates = scored.collect();
        // A decision that nobody made has none.
        self.basis = serde_json::from_str(&decision.basis_json).unwrap_or_default();
        self
    }
}
