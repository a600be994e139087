//! Offers over MCP: the tool `accept_handoff`, for agents that list it.

use std::collections::HashMap;
use std::sync::Mutex;

use proto::v1::Agent;
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use rmcp::service::{ClientInitializeError, RoleClient, RunningService, ServiceError};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};
use rmcp::transport::{DynamicTransportError, StreamableHttpClientTransport};
use rmcp::{Peer, ServiceExt as _};
use serde_json::Value;

use super::backoff::{RETRIES_MAX, wait};
use super::http::{Http, HttpError};
use super::{Class, Outcome, Refusal, Reply, answer};
use crate::letter::Letter;

const TOOL: &str = "accept_handoff";
/// Agents of which it is remembered whether they list the tool.
const KNOWN_MAX: usize = 4_096;
/// Pages of tools that are read.
const PAGES_MAX: usize = 10;

/// Speaks MCP.
pub(super) struct Mcp {
    http: Http,
    // By agent and endpoint: the generation that was asked, and whether it lists the tool.
    known: Mutex<HashMap<(String, String), (u64, bool)>>,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
enum McpError {
    #[error("no MCP session: {0}")]
    Session(#[from] Box<ClientInitializeError>),
    #[error("no answer to a call: {0}")]
    Call(#[from] ServiceError),
    #[error("the offer cannot be written: {0}")]
    Payload(#[from] serde_json::Error),
}

type Session = RunningService<RoleClient, ()>;

impl Mcp {
    pub(super) fn new(http: Http) -> Self {
        Self { http, known: Mutex::default() }
    }

    pub(super) async fn offer(
        &self,
        agent: &Agent,
        generation: u64,
        letter: &Letter<'_>,
    ) -> Outcome {
        if self.known(agent, generation) == Some(false) {
            return in_band(letter);
        }
        let mut retry = 0;
        loop {
            match self.attempt(agent, generation, letter).await {
                Err(error) if is_passing(&error) && retry < RETRIES_MAX => {
                    tokio::time::sleep(wait(retry)).await;
                    retry += 1;
                }
                Err(error) => return Outcome::Failed(refusal(&error)),
                Ok(outcome) => return outcome,
            }
        }
    }

    async fn attempt(
        &self,
        agent: &Agent,
        generation: u64,
        letter: &Letter<'_>,
    ) -> Result<Outcome, McpError> {
        let session = self.connect(agent).await?;
        let outcome = self.converse(session.peer(), agent, generation, letter).await;
        // An agent that is slow to say goodbye keeps nobody waiting.
        drop(session);
        outcome
    }

    async fn connect(&self, agent: &Agent) -> Result<Session, McpError> {
        let settings = StreamableHttpClientTransportConfig::with_uri(agent.endpoint.as_str());
        let transport = StreamableHttpClientTransport::with_client(self.http.clone(), settings);
        ().serve(transport).await.map_err(|error| McpError::Session(Box::new(error)))
    }

    async fn converse(
        &self,
        peer: &Peer<RoleClient>,
        agent: &Agent,
        generation: u64,
        letter: &Letter<'_>,
    ) -> Result<Outcome, McpError> {
        let is_listed = match self.known(agent, generation) {
            Some(is_listed) => is_listed,
            None => self.learn(peer, agent, generation).await?,
        };
        if !is_listed {
            return Ok(in_band(letter));
        }
        let arguments: JsonObject = serde_json::from_str(letter.payload()?.get())?;
        let result =
            peer.call_tool(CallToolRequestParams::new(TOOL).with_arguments(arguments)).await?;
        Ok(read(result))
    }

    fn known(&self, agent: &Agent, generation: u64) -> Option<bool> {
        let key = (agent.agent_id.clone(), agent.endpoint.clone());
        let known = self.known.lock().expect("nobody panics while holding the list");
        known.get(&key).filter(|(asked, _)| *asked == generation).map(|(_, is_listed)| *is_listed)
    }

    async fn learn(
        &self,
        peer: &Peer<RoleClient>,
        agent: &Agent,
        generation: u64,
    ) -> Result<bool, McpError> {
        let mut cursor = None;
        let mut is_listed = false;
        for _ in 0..PAGES_MAX {
            let request = rmcp::model::PaginatedRequestParams::default().with_cursor(cursor);
            let page = match peer.list_tools(Some(request)).await {
                Ok(page) => page,
                // An agent that cannot list its tools lists none.
                Err(ServiceError::McpError(_)) => break,
                Err(error) => return Err(error.into()),
            };
            is_listed |= page.tools.iter().any(|tool| tool.name == TOOL);
            cursor = page.next_cursor;
            if is_listed || cursor.is_none() {
                break;
            }
        }
        let key = (agent.agent_id.clone(), agent.endpoint.clone());
        let mut known = self.known.lock().expect("nobody panics while holding the list");
        if KNOWN_MAX <= known.len() {
            known.clear();
        }
        known.insert(key, (generation, is_listed));
        Ok(is_listed)
    }
}

/// An agent without the tool accepts by being dispatched to, unless it must say so.
fn in_band(letter: &Letter<'_>) -> Outcome {
    if letter.must_accept {
        let reason = "the agent does not list the tool accept_handoff";
        return Outcome::Failed(Refusal::new(Class::CapabilityMismatch, reason));
    }
    Outcome::Answered(Reply::Accepted)
}

fn read(result: CallToolResult) -> Outcome {
    if result.is_error == Some(true) {
        return Outcome::Failed(Refusal::new(Class::Unknown, "the tool reported an error"));
    }
    let texts = result.content.iter().filter_map(|block| block.as_text());
    let spoken =
        || texts.map(|block| block.text.as_str()).find_map(|text| serde_json::from_str(text).ok());
    let value: Option<Value> = result.structured_content.clone().or_else(spoken);
    match value.and_then(answer::read) {
        Some(reply) => Outcome::Answered(reply),
        None => Outcome::Failed(Refusal::new(Class::Unknown, "the answer is not one")),
    }
}

/// The failure of HTTP behind an error, which the errors of the library do not name as their source.
fn cause(error: &McpError) -> Option<&HttpError> {
    let transport = match error {
        McpError::Session(error) => session_cause(error)?,
        McpError::Call(ServiceError::TransportSend(error)) => error,
        McpError::Call(_) | McpError::Payload(_) => return None,
    };
    match transport.error.downcast_ref::<StreamableHttpError<HttpError>>()? {
        StreamableHttpError::Client(cause) => Some(cause),
        _ => None,
    }
}

fn session_cause(error: &ClientInitializeError) -> Option<&DynamicTransportError> {
    match error {
        ClientInitializeError::TransportError { error, .. } => Some(error),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => session_cause(fallback),
        _ => None,
    }
}

fn is_passing(error: &McpError) -> bool {
    cause(error).is_some_and(HttpError::is_passing)
}

fn refusal(error: &McpError) -> Refusal {
    match (cause(error), error) {
        (Some(cause), _) => cause.refusal(),
        (None, McpError::Payload(_)) => {
            Refusal::new(Class::InvalidPayload, "the offer cannot be written")
        }
        (None, McpError::Call(ServiceError::McpError(_))) => {
            Refusal::new(Class::Unknown, "the agent reported an error")
        }
        (None, McpError::Session(_) | McpError::Call(_)) => {
            Refusal::new(Class::Unavailable, "no MCP session, or it was lost")
        }
    }
}
