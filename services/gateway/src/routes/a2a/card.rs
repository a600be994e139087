//! The card by which other agents find the mesh. It tells nobody more than customers see.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, header};
use proto::v1::{Agent, ListAgentsRequest};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{PATH, VERSION};
use crate::extract::call;
use crate::front::{Front, own_context};
use crate::problem::Problem;
use crate::proxy;
use crate::routes::ok;

/// Where clients look.
pub(crate) const CARD: &str = "/.well-known/agent-card.json";
const TEXT: &str = "text/plain";
/// A changed set of agents is known to others after this time.
const FRESH: &str = "public, max-age=60";

/// What the mesh is and how it is spoken to, as A2A 1.0 has it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentCard)]
pub(crate) struct Card {
    name: &'static str,
    description: &'static str,
    version: &'static str,
    supported_interfaces: [Interface; 1],
    capabilities: Capabilities,
    /// One for each way in which a key is shown.
    #[schema(value_type = Object)]
    security_schemes: Value,
    /// Any one of them is enough.
    #[schema(value_type = Vec<Object>)]
    security_requirements: Value,
    default_input_modes: [&'static str; 1],
    default_output_modes: [&'static str; 1],
    /// One for each agent.
    skills: Vec<Skill>,
}

/// Where and how.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentInterface)]
struct Interface {
    url: String,
    protocol_binding: &'static str,
    protocol_version: &'static str,
}

/// What else it can do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentCapabilities)]
struct Capabilities {
    streaming: bool,
    push_notifications: bool,
    extended_agent_card: bool,
}

/// What one agent does.
#[derive(Serialize, ToSchema)]
#[schema(as = AgentSkill)]
struct Skill {
    id: String,
    name: String,
    description: String,
    tags: Vec<String>,
}

impl From<Agent> for Skill {
    /// A definition's description is written for the classifier; customers are told the display name and the sentence that
    /// clarifications use.
    fn from(agent: Agent) -> Self {
        let told = agent.clarification_context;
        let description = if told.is_empty() { agent.display_name.clone() } else { told };
        let mut tags = [agent.domains, agent.skills].concat();
        if tags.is_empty() {
            tags.push("chat".to_owned());
        }
        tags.sort_unstable();
        tags.dedup();
        Self { id: agent.agent_id, name: agent.display_name, description, tags }
    }
}

/// The card of the mesh, for clients of the Agent2Agent protocol.
#[utoipa::path(get, path = CARD, operation_id = "agent_card", tag = "chat",
    responses((status = 200, description = "The card.", body = Card)))]
pub(crate) async fn card(
    State(front): State<Arc<Front>>,
    parts: Parts,
) -> Result<Response, Problem> {
    let url = format!("{}{PATH}", origin(&parts, front.config.proxy_hops)?);
    let request = ListAgentsRequest { context: Some(own_context("")) };
    let snapshot = front.peers.registry().list_agents(call(request)).await?.into_inner();
    let agents = snapshot.agents.into_iter().filter_map(|state| state.agent);
    let mut response = ok(&Card::new(url, agents.map(Skill::from).collect()));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(FRESH));
    Ok(response)
}

impl Card {
    fn new(url: String, skills: Vec<Skill>) -> Self {
        let interface = Interface { url, protocol_binding: "JSONRPC", protocol_version: VERSION };
        let capabilities = Capabilities {
            streaming: false,
            push_notifications: false,
            extended_agent_card: false,
        };
        Self {
            name: "Handoff Mesh",
            description: "One conversation with all agents of a business: it finds who should answer.",
            version: env!("CARGO_PKG_VERSION"),
            supported_interfaces: [interface],
            capabilities,
            security_schemes: json!({
                "key": {"apiKeySecurityScheme": {"location": "header", "name": "x-api-key"}},
                "bearer": {"httpAuthSecurityScheme": {"scheme": "Bearer"}},
            }),
            security_requirements: json!([
                {"schemes": {"key": {"list": []}}},
                {"schemes": {"bearer": {"list": []}}},
            ]),
            default_input_modes: [TEXT],
            default_output_modes: [TEXT],
            skills,
        }
    }
}

/// Where the client has found the card.
fn origin(parts: &Parts, proxy_hops: usize) -> Result<String, Problem> {
    let scheme = if proxy::is_tls(&parts.headers, proxy_hops) { "https" } else { "http" };
    let own = proxy::authority(&parts.uri, &parts.headers)
        .ok_or_else(|| Problem::invalid_field("Host", "is missing"))?;
    let port = own.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{}{port}", own.host()))
}
