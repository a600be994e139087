//! The bodies of contract section 5.4, made here and nowhere else: their fields, in their order.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::money::usd;

#[cfg(test)]
mod tests;

/// An answered turn.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The owner's id of the turn.
    pub request_id: String,
    /// The mesh's id of the session.
    pub session_id: String,
    /// Whether the session began with the turn.
    pub session_new: bool,
    /// Who answered.
    pub agent_id: String,
    /// What the user is told.
    pub response: String,
    /// Whether the agent has nothing more to do in this session.
    pub workflow_complete: bool,
    /// What the user was taken to want.
    pub classification: Understood,
    /// Why it went there.
    pub routing: Routing,
    /// The handoffs on the way.
    pub handoffs: Vec<Passed>,
    /// What all calls of the turn used.
    pub usage: Usage,
    /// What the budget said.
    pub budget: Budget,
}

/// What the user was taken to want.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Understood {
    /// In a few words.
    pub intent: String,
    /// How sure that is.
    pub confidence: f64,
    /// In which language.
    pub language: String,
}

/// Why a turn went where it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Routing {
    /// `route`, `clarify` or `fallback`.
    pub action: &'static str,
    /// Why, for people.
    pub reason: String,
}

/// A handoff on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// Its id.
    pub handoff_id: String,
    /// Who passed the user on.
    pub from_agent: String,
    /// Who took over.
    pub to_agent: String,
    /// Why.
    pub trigger: String,
    /// What the source had answered; null when it was not asked.
    pub message: Option<String>,
}

/// What all calls of a turn used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The model of the last call; absent when unknown.
    pub model: Option<String>,
    /// Tokens read.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// What it cost.
    pub cost_micros: i64,
    /// Whether that is a guess.
    pub estimated: bool,
}

/// What the budget said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// What it decided.
    pub action: String,
    /// What is left in the tightest scope; absent when no scope has a definition.
    pub remaining_micros: Option<i64>,
    /// The tools that it took away.
    pub disabled_tools: Vec<String>,
}

/// A turn that ended with a question.
#[derive(Clone, Debug)]
pub struct Clarification {
    /// The owner's id of the turn.
    pub request_id: String,
    /// The mesh's id of the session.
    pub session_id: String,
    /// Whether the session began with the turn.
    pub session_new: bool,
    /// The question.
    pub question: String,
    /// The likeliest agent.
    pub suggested_agent: String,
    /// Whom the user may choose from.
    pub candidate_agents: Vec<String>,
    /// Why the user is asked.
    pub reason: String,
    /// How often the user has been asked.
    pub attempt: i64,
    /// What an agent had answered before the question arose.
    pub message: Option<String>,
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    r#type: &'static str,
    request_id: &'a str,
    session_id: &'a str,
    session_new: bool,
    agent_id: &'a str,
    response: &'a str,
    workflow_complete: bool,
    classification: &'a Understood,
    routing: &'a Routing,
    handoffs: &'a [Passed],
    usage: UsageBody<'a>,
    budget: BudgetBody<'a>,
    duration_ms: i64,
}

#[derive(Serialize)]
struct UsageBody<'a> {
    model: Option<&'a str>,
    input_tokens: i64,
    output_tokens: i64,
    cost_usd: Box<RawValue>,
    estimated: bool,
}

#[derive(Serialize)]
struct BudgetBody<'a> {
    action: &'a str,
    remaining_usd: Option<Box<RawValue>>,
    disabled_tools: &'a [String],
}

#[derive(Serialize)]
struct ClarificationBody<'a> {
    r#type: &'static str,
    action: &'static str,
    request_id: &'a str,
    session_id: &'a str,
    session_new: bool,
    clarification_question: &'a str,
    suggested_agent: &'a str,
    candidate_agents: &'a [String],
    routing: Routing,
    reason: &'a str,
    attempt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    duration_ms: i64,
}

impl Answer {
    /// The body of the answer.
    #[must_use]
    pub fn body(&self, duration_ms: i64) -> String {
        text(&AnswerBody {
            r#type: "answer",
            request_id: &self.request_id,
            session_id: &self.session_id,
            session_new: self.session_new,
            agent_id: &self.agent_id,
            response: &self.response,
            workflow_complete: self.workflow_complete,
            classification: &self.classification,
            routing: &self.routing,
            handoffs: &self.handoffs,
            usage: UsageBody {
                model: self.usage.model.as_deref(),
                input_tokens: self.usage.input_tokens,
                output_tokens: self.usage.output_tokens,
                cost_usd: usd(self.usage.cost_micros),
                estimated: self.usage.estimated,
            },
            budget: BudgetBody {
                action: &self.budget.action,
                remaining_usd: self.budget.remaining_micros.map(usd),
                disabled_tools: &self.budget.disabled_tools,
            },
            duration_ms,
        })
    }
}

impl Clarification {
    /// The body of the question.
    #[must_use]
    pub fn body(&self, duration_ms: i64) -> String {
        text(&ClarificationBody {
            r#type: "clarification",
            action: "clarification",
            request_id: &self.request_id,
            session_id: &self.session_id,
            session_new: self.session_new,
            clarification_question: &self.question,
            suggested_agent: &self.suggested_agent,
            candidate_agents: &self.candidate_agents,
            routing: Routing { action: "clarify", reason: self.reason.clone() },
            reason: &self.reason,
            attempt: self.attempt,
            message: self.message.as_deref(),
            duration_ms,
        })
    }
}

fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a body is plain data")
}
