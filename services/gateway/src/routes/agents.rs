//! Agents: who is there, in what state, loading them again, and changing one of them.

mod definition;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use proto::v1::{
    DeleteAgentRequest, GetAgentRequest, ListAgentsRequest, ListBreakersRequest, PutAgentRequest,
    ReloadRequest, SetAvailabilityRequest,
};
use serde::Serialize;
use utoipa::ToSchema;

use self::definition::Definition;
use super::{json, ok};
use crate::extract::{Admin, Caller, Json, Path, Read, call};
use crate::fields::Fields;
use crate::front::Front;
use crate::openapi::body::SetAvailability;
use crate::openapi::definition::AgentDefinition;
use crate::openapi::word;
use crate::problem::Problem;
use crate::view;

/// Every agent of a generation.
#[derive(Serialize, ToSchema)]
#[schema(as = AgentList)]
pub(crate) struct List {
    generation: u64,
    default_agent: String,
    agents: Vec<view::Agent>,
}

/// An availability that was set.
#[derive(Serialize, ToSchema)]
#[schema(as = AvailabilitySet)]
pub(crate) struct Set {
    agent_id: String,
    #[schema(value_type = word::Availability)]
    availability: String,
    #[schema(value_type = word::Availability)]
    previous: String,
}

/// Every agent with its state.
#[utoipa::path(get, path = "/agents", operation_id = "list_agents", tag = "agents",
    responses((status = 200, description = "The agents.", body = List)))]
pub(crate) async fn list(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let mut registry = front.peers.registry();
    let request = ListAgentsRequest { context: context.clone() };
    let (snapshot, breakers) =
        tokio::join!(registry.list_agents(call(request)), breakers(&front, context));
    let (snapshot, breakers) = (snapshot?.into_inner(), breakers?);
    let generation = snapshot.generation;
    let agents = snapshot.agents.into_iter();
    let agents = agents.filter_map(|state| view::Agent::of(state, generation, &breakers)).collect();
    Ok(ok(&List { generation, default_agent: snapshot.default_agent_id, agents }))
}

/// One agent with its state.
#[utoipa::path(get, path = "/agents/{agent_id}", operation_id = "get_agent", tag = "agents",
    params(("agent_id" = String, Path, description = "The id of the agent.")),
    responses((status = 200, description = "The agent.", body = view::Agent), (status = 404, description = "agent_not_found")))]
pub(crate) async fn get(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
    path: Path,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let agent_id = path.one();
    let mut registry = front.peers.registry();
    let request = GetAgentRequest { context: context.clone(), agent_id: agent_id.clone() };
    let (found, breakers) =
        tokio::join!(registry.get_agent(call(request)), breakers(&front, context));
    let found = found?.into_inner();
    let breakers = breakers?;
    let agent = found.state.and_then(|state| view::Agent::of(state, found.generation, &breakers));
    let missing = || Problem::new("agent_not_found").with_text("agent_id", &agent_id);
    Ok(ok(&agent.ok_or_else(missing)?))
}

/// The state of each agent's breaker.
async fn breakers(
    front: &Front,
    context: Option<proto::v1::Context>,
) -> Result<HashMap<String, String>, Problem> {
    let list = front.peers.router().list_breakers(call(ListBreakersRequest { context })).await?;
    let states = list.into_inner().breakers.into_iter();
    Ok(states.map(|breaker| (breaker.agent_id, breaker.state)).collect())
}

/// Writes the whole definition of an agent, which a later `GET` shows.
#[utoipa::path(put, path = "/agents/{agent_id}", operation_id = "put_agent", tag = "agents",
    params(("agent_id" = String, Path, description = "The id of the agent.")),
    request_body(content((AgentDefinition = "application/json"), (String = "application/yaml"))),
    responses(
        (status = 200, description = "It was changed and loaded.", body = view::Reload),
        (status = 201, description = "It was made and loaded.", body = view::Reload),
        (status = 409, description = "registry_read_only")))]
pub(crate) async fn put(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
    Definition(definition): Definition,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let definition = Some(definition);
    let request = PutAgentRequest { context, agent_id: path.one(), definition };
    let put = front.peers.registry().put_agent(call(request)).await?.into_inner();
    let status = if put.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &view::Reload::of(put.result.unwrap_or_default())))
}

/// Removes the definition of an agent.
#[utoipa::path(delete, path = "/agents/{agent_id}", operation_id = "delete_agent", tag = "agents",
    params(("agent_id" = String, Path, description = "The id of the agent.")),
    responses(
        (status = 200, description = "It is gone.", body = view::Reload),
        (status = 404, description = "agent_not_found"),
        (status = 409, description = "registry_read_only")))]
pub(crate) async fn delete(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let request = DeleteAgentRequest { context, agent_id: path.one() };
    let result = front.peers.registry().delete_agent(call(request)).await?.into_inner();
    Ok(ok(&view::Reload::of(result)))
}

/// Says whether an agent takes work.
#[utoipa::path(put, path = "/agents/{agent_id}/availability", operation_id = "set_availability", tag = "agents",
    params(("agent_id" = String, Path, description = "The id of the agent.")),
    request_body = SetAvailability,
    responses((status = 200, description = "It was set.", body = Set), (status = 404, description = "agent_not_found")))]
pub(crate) async fn set_availability(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
    Json(body): Json,
) -> Result<Response, Problem> {
    let mut fields = Fields::parse(&body)?;
    let availability = fields.choice("availability", &["available", "busy", "away", "offline"]);
    if availability.is_none() && !fields.has("availability") {
        fields.reject("availability", "is required");
    }
    let availability = fields.finish(availability.unwrap_or_default().to_owned())?;
    let context = Some(caller.context_at_large()?.0);
    let request = SetAvailabilityRequest { context, agent_id: path.one(), availability };
    let set = front.peers.registry().set_availability(call(request)).await?.into_inner();
    let (agent_id, availability, previous) = (set.agent_id, set.availability, set.previous);
    Ok(ok(&Set { agent_id, availability, previous }))
}

/// Loads the definitions again. A set that is broken changes nothing; `success` says so.
#[utoipa::path(post, path = "/registry/reload", operation_id = "reload", tag = "agents",
    responses((status = 200, description = "What came of it.", body = view::Reload)))]
pub(crate) async fn reload(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let result = front.peers.registry().reload(call(ReloadRequest { context })).await?.into_inner();
    Ok(ok(&view::Reload::of(result)))
}
