//! What an agent says to the mesh: the reply of `handle_message`.

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A complete reply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Reply {
    /// What the customer reads.
    pub(crate) content: String,
    /// Whether this conversation has reached its end.
    pub(crate) workflow_complete: bool,
    /// What this desk wants back with the next message.
    pub(crate) workflow_state: Map<String, Value>,
    /// What the answer cost.
    pub(crate) usage: Usage,
    /// The wish that someone else goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) handoff: Option<Referral>,
}

/// What an answer cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Usage {
    /// Size of what was read. A desk uses no language model; the numbers make its work comparable with one that does.
    pub(crate) input_tokens: i64,
    /// Size of what was answered.
    pub(crate) output_tokens: i64,
    /// What the shop puts down for one answer.
    pub(crate) cost_usd: f64,
}

/// The wish that someone else goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Referral {
    /// Why.
    pub(crate) reason: String,
    /// Who, as the shipped definitions name them.
    pub(crate) target_agent: String,
    /// What someone else must be able to do if that agent is not there.
    pub(crate) required_skills: Vec<String>,
    /// What they should know.
    pub(crate) summary: String,
}

/// What a desk has decided to say, before it is priced.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// What the customer reads.
    pub(crate) content: String,
    /// Whether this conversation has reached its end.
    pub(crate) is_complete: bool,
    /// What this desk wants back with the next message.
    pub(crate) state: Map<String, Value>,
    /// The wish that someone else goes on.
    pub(crate) referral: Option<Referral>,
}

impl Answer {
    /// An answer after which the conversation goes on.
    #[must_use]
    pub(crate) fn new(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// The same, with what the desk wants back.
    #[must_use]
    pub(crate) fn keeping(mut self, state: &impl Serialize) -> Self {
        if let Ok(Value::Object(state)) = serde_json::to_value(state) {
            self.state = state;
        }
        self
    }

    /// The same, as the last of the conversation.
    #[must_use]
    pub(crate) fn complete(mut self) -> Self {
        self.is_complete = true;
        self
    }
}
