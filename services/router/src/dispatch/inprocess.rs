//! One attempt at a call of a handler in this process: what it says is read as if it had come over a connection.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chassis::wire::WireError;
use futures::FutureExt as _;
use rmcp::model::{CallToolResult, ErrorData};

use super::attempt::Errand;
use super::setback::Setback;
use super::{DispatchSettings, Reply, reply};
use crate::handler::{Handler, Handlers, Inquiry};
use crate::roster::{Agents, Roster};

#[cfg(test)]
mod tests;

/// Who answers inside this process, and who else there is to speak of.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub handlers: Handlers,
    pub roster: Roster,
}

/// A handler with all that one call of it needs.
pub(super) struct Desk {
    handler: Arc<dyn Handler>,
    agents: Agents,
}

impl House {
    /// Who answers for an agent. A registry that knows of other handlers than this router has them elsewhere.
    pub(super) fn desk(&self, agent_id: &str) -> Result<Desk, Setback> {
        let missing = || Setback::Unconnected {
            cause: format!("this router has no handler for `{agent_id}`"),
            is_forbidden: true,
        };
        let handler = self.handlers.get(agent_id).ok_or_else(missing)?;
        let agents = self.roster.now().map_err(|_| missing())?;
        Ok(Desk { handler, agents })
    }
}

/// Lets a handler answer.
pub(super) async fn attempt(
    errand: &Errand<'_>,
    agent_id: &str,
    desk: &Desk,
) -> Result<Reply, Setback> {
    let inquiry = Inquiry {
        agent_id,
        arguments: errand.arguments,
        agents: desk.agents.clone(),
        words: &errand.call.deltas,
    };
    errand.sent.store(true, Ordering::Release);
    let answering = async { desk.handler.handle_message(inquiry).await };
    match AssertUnwindSafe(answering).catch_unwind().await {
        Ok(Ok(result)) => read(&result, errand.settings),
        Ok(Err(error)) => {
            Err(Setback::Tool { is_retryable: says_it_never_ran(&error), usage: None })
        }
        Err(_) => {
            tracing::error!(agent_id, "a handler panicked");
            Err(Setback::Tool { is_retryable: false, usage: None })
        }
    }
}

fn read(result: &CallToolResult, settings: &DispatchSettings) -> Result<Reply, Setback> {
    let text = serde_json::to_string(result).map_err(Setback::unusable)?;
    if settings.max_response_bytes < text.len() {
        return Err(WireError::TooLarge(settings.max_response_bytes).into());
    }
    reply::read(&text, settings)
}

fn says_it_never_ran(error: &ErrorData) -> bool {
    let retryable = error.data.as_ref().and_then(|data| data.pointer("/_meta/retryable"));
    retryable == Some(&true.into())
}
