//! Agents of type `inprocess`: a handler in the router answers in the place of an MCP server.
//!
//! A handler is the tool `handle_message` without the server around it. It gets the same arguments, and its result is
//! read, limited, charged and counted by the breaker like that of any other agent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use async_trait::async_trait;
pub use rmcp::model::{CallToolResult, ContentBlock, ErrorData};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::reception::Reception;
use crate::roster::Agents;

/// The type of such agents in their definitions.
pub(crate) const INPROCESS: &str = "inprocess";

/// Answers for one agent inside the router.
///
/// It must not block its thread, and it has no time of its own: when the agent's `timeout_ms` is over, or the turn is
/// cancelled, the future is dropped. A panic is an error of the agent and ends nothing else.
///
/// ```
/// use router::handler::{CallToolResult, ErrorData, Handler, Handlers, Inquiry, async_trait};
/// use serde_json::json;
///
/// struct OpeningHours;
///
/// #[async_trait]
/// impl Handler for OpeningHours {
///     async fn handle_message(&self, inquiry: Inquiry<'_>) -> Result<CallToolResult, ErrorData> {
///         #[derive(serde::Deserialize)]
///         struct Arguments {
///             raw_input: String,
///         }
///         let asked: Arguments = inquiry.read()?;
///         let content = match asked.raw_input.contains("Sunday") {
///             true => "We are closed on Sundays.",
///             false => "We are open from 9 to 6.",
///         };
///         let reply = json!({"content": content, "workflow_complete": false, "usage": {"cost_usd": 0}});
///         Ok(CallToolResult::structured(reply))
///     }
/// }
///
/// let handlers = Handlers::shipped().with("opening-hours", OpeningHours);
/// assert_eq!(handlers.names(), ["opening-hours", "reception"]);
/// ```
#[async_trait]
pub trait Handler: Send + Sync {
    /// Answers one message, as an MCP server would answer the call of its tool.
    async fn handle_message(&self, inquiry: Inquiry<'_>) -> Result<CallToolResult, ErrorData>;
}

/// One message for a handler.
#[derive(Debug)]
pub struct Inquiry<'a> {
    /// The agent that the handler answers for.
    pub agent_id: &'a str,
    /// The arguments of the agent contract: one JSON object, `workflow_state` in it byte for byte.
    pub arguments: &'a RawValue,
    /// All agents as the registry shows them now.
    pub agents: Agents,
    pub(crate) words: &'a mpsc::Sender<String>,
}

impl Inquiry<'_> {
    /// Reads the arguments; what the type does not name is passed over.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ErrorData> {
        serde_json::from_str(self.arguments.get())
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))
    }

    /// Passes a part of the answer on at once, as a progress notification does.
    pub async fn say(&self, words: impl Into<String>) {
        let words = words.into();
        if !words.is_empty() {
            // Nobody may listen any longer; the answer counts.
            let _ = self.words.send(words).await;
        }
    }
}

/// The handlers of a router, by the ids of their agents.
#[derive(Clone, Default)]
pub struct Handlers {
    by_agent: BTreeMap<String, Arc<dyn Handler>>,
}

/// A handler was promised to the registry that this router does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("INPROCESS_HANDLERS names `{0}`, for which this router has no handler")]
pub struct Missing(pub String);

impl Handlers {
    /// The handlers that every router has.
    #[must_use]
    pub fn shipped() -> Self {
        let [reception] = proto::HANDLERS;
        Self::default().with(reception, Reception)
    }

    /// The same with another one, in the place of what answered for this agent before.
    #[must_use]
    pub fn with(mut self, agent_id: &str, handler: impl Handler + 'static) -> Self {
        self.by_agent.insert(agent_id.to_owned(), Arc::new(handler));
        self
    }

    /// The agents that are answered for, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.by_agent.keys().cloned().collect()
    }

    /// Whether every promised agent is answered for.
    pub fn keep(&self, promised: &[String]) -> Result<(), Missing> {
        let missing = promised.iter().find(|name| !self.by_agent.contains_key(*name));
        missing.map_or(Ok(()), |name| Err(Missing(name.clone())))
    }

    /// Who answers for an agent.
    pub(crate) fn get(&self, agent_id: &str) -> Option<Arc<dyn Handler>> {
        self.by_agent.get(agent_id).cloned()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_agent.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Handlers, Missing};

    #[test]
    fn what_is_promised_must_be_there() {
        let handlers = Handlers::shipped();
        assert_eq!(handlers.names(), proto::HANDLERS, "every router has what the registry expects");
        let promised = |names: &[&str]| {
            handlers.keep(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(promised(&["reception"]), Ok(()));
        assert_eq!(promised(&[]), Ok(()), "a handler may be there that nobody counts on");
        assert_eq!(promised(&["reception", "loyalty"]), Err(Missing("loyalty".to_owned())));
    }
}
