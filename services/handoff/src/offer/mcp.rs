//! Offers over MCP: the tool `accept_handoff`, for agents that list it.

use std::collections::HashMap;
use std::sync::Mutex;

use chassis::wire::{self, Wire};
use http::Uri;
use proto::v1::Agent;
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use rmcp::service::{RoleClient, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{Peer, ServiceExt as _};
use serde_json::Value;

use super::failure::{Failure, persist};
use super::{Class, Outcome, Refusal, Reply, answer};
use crate::letter::Letter;

const TOOL: &str = "accept_handoff";
/// Agents of which it is remembered whether they list the tool.
const KNOWN_MAX: usize = 4_096;
/// Pages of tools that are read.
const PAGES_MAX: usize = 10;

/// Speaks MCP.
pub(super) struct Mcp {
    wire: Wire,
    bytes_max: usize,
    // By agent and endpoint: the generation that was asked, and whether it lists the tool.
    known: Mutex<HashMap<(String, String), (u64, bool)>>,
}

type Session = RunningService<RoleClient, ()>;

impl Mcp {
    /// Over these connections, and never more bytes than these in an offer.
    pub(super) fn new(wire: Wire, bytes_max: usize) -> Self {
        Self { wire, bytes_max, known: Mutex::default() }
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
        let answered = persist(|| self.attempt(agent, generation, letter)).await;
        answered.unwrap_or_else(|failure| Outcome::Failed(failure.refusal()))
    }

    async fn attempt(
        &self,
        agent: &Agent,
        generation: u64,
        letter: &Letter<'_>,
    ) -> Result<Outcome, Failure> {
        let session = self.connect(agent).await?;
        let outcome = self.converse(session.peer(), agent, generation, letter).await;
        // An agent that is slow to say goodbye keeps nobody waiting.
        drop(session);
        outcome
    }

    async fn connect(&self, agent: &Agent) -> Result<Session, Failure> {
        let uri: Uri = agent.endpoint.parse().map_err(http::Error::from)?;
        let client = wire::Mcp::new(self.wire.clone(), uri);
        let settings = StreamableHttpClientTransportConfig::with_uri(agent.endpoint.as_str());
        let transport = StreamableHttpClientTransport::with_client(client, settings);
        Ok(wire::outside_span(().serve(transport)).await?)
    }

    async fn converse(
        &self,
        peer: &Peer<RoleClient>,
        agent: &Agent,
        generation: u64,
        letter: &Letter<'_>,
    ) -> Result<Outcome, Failure> {
        let is_listed = match self.known(agent, generation) {
            Some(is_listed) => is_listed,
            None => self.learn(peer, agent, generation).await?,
        };
        if !is_listed {
            return Ok(in_band(letter));
        }
        let payload = letter.payload()?;
        if self.bytes_max < payload.get().len() {
            return Err(Failure::TooLarge(payload.get().len()));
        }
        let arguments: JsonObject = serde_json::from_str(payload.get())?;
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
    ) -> Result<bool, Failure> {
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
