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

use self::definition::Definition;
use super::{json, ok};
use crate::extract::{Admin, Caller, Json, Path, Read, call};
use crate::fields::Fields;
use crate::front::Front;
use crate::problem::Problem;
use crate::view;

/// `GET /agents`.
pub(crate) async fn list(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct List {
        generation: u64,
        default_agent: String,
        agents: Vec<view::Agent>,
    }
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

/// `GET /agents/{agent_id}`.
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

/// `PUT /agents/{agent_id}`: the whole definition, which a later `GET` shows.
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

/// `DELETE /agents/{agent_id}`.
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

/// `PUT /agents/{agent_id}/availability`.
pub(crate) async fn set_availability(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
    Json(body): Json,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Set {
        agent_id: String,
        availability: String,
        previous: String,
    }
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

/// `POST /registry/reload`.
pub(crate) async fn reload(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let result = front.peers.registry().reload(call(ReloadRequest { context })).await?.into_inner();
    Ok(ok(&view::Reload::of(result)))
}
