//! Bodies that come from elsewhere as text, or take another shape in each case.

#![expect(dead_code, reason = "these types are written for their schemas")]

use utoipa::ToSchema;

use super::word;
use crate::money::Usd;

/// The response of JSON-RPC 2.0: a result, or an error.
#[derive(ToSchema)]
pub(crate) struct RpcResponse {
    jsonrpc: String,
    /// That of the request, if it could be read.
    #[schema(value_type = Option<super::body::RpcId>)]
    id: Option<()>,
    #[schema(value_type = Option<Object>)]
    result: Option<()>,
    error: Option<super::problem::RpcError>,
}

/// What became of a message.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum Reply {
    Answer(Answer),
    Question(Question),
}

/// The answer of an agent.
#[derive(ToSchema)]
pub(crate) struct Answer {
    r#type: AnswerType,
    #[schema(format = Uuid)]
    request_id: String,
    session_id: String,
    /// Whether the session was made for this message.
    session_new: bool,
    /// Who answered.
    agent_id: String,
    response: String,
    /// Whether the matter is closed, and the session with it.
    workflow_complete: bool,
    classification: Classified,
    routing: Routing,
    /// Agents that passed the message on.
    handoffs: Vec<Passed>,
    usage: Usage,
    budget: Budget,
    duration_ms: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AnswerType {
    Answer,
}

/// What the message was about.
#[derive(ToSchema)]
pub(crate) struct Classified {
    intent: String,
    #[schema(minimum = 0, maximum = 1)]
    confidence: f64,
    language: String,
}

/// Where the message went, and why.
#[derive(ToSchema)]
pub(crate) struct Routing {
    action: Action,
    reason: String,
}

/// What the gate said.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Action {
    Route,
    Clarify,
    Fallback,
}

/// A handoff within the turn.
#[derive(ToSchema)]
pub(crate) struct Passed {
    handoff_id: String,
    from_agent: String,
    to_agent: String,
    trigger: word::Trigger,
    /// What the first agent said to it; null when it was not asked.
    #[schema(required)]
    message: Option<String>,
}

/// What the answer cost.
#[derive(ToSchema)]
#[schema(as = AnswerUsage)]
pub(crate) struct Usage {
    #[schema(required)]
    model: Option<String>,
    input_tokens: i64,
    output_tokens: i64,
    cost_usd: Usd,
    /// Whether the cost is an estimate.
    estimated: bool,
}

/// What is left after the answer.
#[derive(ToSchema)]
#[schema(as = AnswerBudget)]
pub(crate) struct Budget {
    action: word::BudgetAction,
    /// Null when no budget applies.
    #[schema(required)]
    remaining_usd: Option<Usd>,
    disabled_tools: Vec<String>,
}

/// What the customer has to be asked first.
#[derive(ToSchema)]
pub(crate) struct Question {
    r#type: QuestionType,
    action: QuestionType,
    #[schema(format = Uuid)]
    request_id: String,
    session_id: String,
    session_new: bool,
    clarification_question: String,
    suggested_agent: String,
    candidate_agents: Vec<String>,
    routing: Routing,
    reason: String,
    #[schema(minimum = 1)]
    attempt: i64,
    /// What an agent said before it wanted to pass the message on.
    message: Option<String>,
    duration_ms: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum QuestionType {
    Clarification,
}

/// Who is to go on with a session.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum HandoffDecision {
    Primary(Chosen),
    Clarification(Undecided),
    Fallback(Nobody),
}

/// An agent was chosen.
#[derive(ToSchema)]
pub(crate) struct Chosen {
    #[schema(pattern = "^primary$")]
    r#type: String,
    target_agent: String,
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
    #[schema(minimum = 0, maximum = 100)]
    score_percent: f64,
    alternatives: Vec<Alternative>,
}

/// Who would have been next.
#[derive(ToSchema)]
pub(crate) struct Alternative {
    agent_id: String,
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
}

/// Two agents would do as well.
#[derive(ToSchema)]
pub(crate) struct Undecided {
    #[schema(pattern = "^clarification$")]
    r#type: String,
    candidate_agents: Vec<String>,
    questions: Vec<String>,
    recommended_action: String,
}

/// No agent was chosen.
#[derive(ToSchema)]
pub(crate) struct Nobody {
    #[schema(pattern = "^fallback$")]
    r#type: String,
    reason: String,
    fallback_agent: String,
    queue_for_later: bool,
}
