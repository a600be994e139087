//! What goes into a dispatch, and what comes out of it when the agent answers.

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One call of an agent's `handle_message`, whatever number of attempts it takes.
#[derive(Debug)]
pub struct Call {
    /// The tool's arguments.
    pub arguments: Map<String, Value>,
    /// Further arguments that are JSON text already and reach the agent byte for byte: `workflow_state`, `entities`, ...
    pub verbatim: Vec<(&'static str, String)>,
    /// The request id of the turn, for the agent's logs.
    pub request_id: String,
    /// The idempotency key: the same for all attempts.
    pub charge_id: String,
    /// The trace that the agent should join; absent: the one that the call itself belongs to.
    pub traceparent: Option<String>,
    /// When the turn ends; the agent's own limit may end the call sooner.
    pub deadline: Instant,
    /// Where the agent's words go while it is still speaking.
    pub deltas: mpsc::Sender<String>,
    /// Ends the call at once.
    pub cancel: CancellationToken,
}

/// An agent's answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What the user is told; never empty.
    pub content: String,
    /// Whether the agent has nothing more to do in this session.
    pub workflow_complete: bool,
    /// The agent's new state, byte for byte; absent: it keeps the one it has.
    pub workflow_state: Option<String>,
    /// What the call has used, if the agent says.
    pub usage: Option<ReplyUsage>,
    /// The agent asks that another take over.
    pub handoff: Option<HandoffAsk>,
    /// Where the reply breaks the agent contract in ways that can be overlooked.
    pub violations: Vec<&'static str>,
    /// How many attempts it took.
    pub attempts: u32,
}

/// What an agent says a call has used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyUsage {
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens read.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// What it cost, if the agent knows.
    pub cost_micros: Option<i64>,
}

/// An agent's wish that another take over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandoffAsk {
    /// Why.
    pub reason: String,
    /// Who, if the agent knows.
    pub target_agent: Option<String>,
    /// What the other must be able to do.
    pub required_skills: Vec<String>,
    /// What the other should know.
    pub summary: Option<String>,
}
