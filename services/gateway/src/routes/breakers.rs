//! Circuit breakers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use proto::v1::{ListBreakersRequest, SetBreakerRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::ok;
use crate::extract::{Admin, Caller, Json, Path, Read, call};
use crate::fields::Fields;
use crate::front::Front;
use crate::openapi::body::SetBreaker;
use crate::openapi::word;
use crate::problem::Problem;
use crate::view;

/// Every breaker.
#[derive(Serialize, ToSchema)]
#[schema(as = BreakerList)]
pub(crate) struct List {
    breakers: Vec<view::Breaker>,
}

/// A breaker that was set.
#[derive(Serialize, ToSchema)]
#[schema(as = BreakerSet)]
pub(crate) struct Set {
    agent_id: String,
    #[schema(value_type = word::BreakerState)]
    previous_state: String,
    #[schema(value_type = word::BreakerState)]
    state: String,
}

/// Which agents get calls.
#[utoipa::path(get, path = "/breakers", operation_id = "list_breakers", tag = "breakers",
    responses((status = 200, description = "The breakers.", body = List)))]
pub(crate) async fn list(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let list = front.peers.router().list_breakers(call(ListBreakersRequest { context })).await?;
    let breakers = list.into_inner().breakers.into_iter().map(view::Breaker::of).collect();
    Ok(ok(&List { breakers }))
}

/// Closes or opens a breaker by hand.
#[utoipa::path(post, path = "/breakers/{agent_id}", operation_id = "set_breaker", tag = "breakers",
    params(("agent_id" = String, Path, description = "The id of the agent.")),
    request_body = SetBreaker,
    responses((status = 200, description = "It was set.", body = Set), (status = 404, description = "agent_not_found")))]
pub(crate) async fn set(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
    Json(body): Json,
) -> Result<Response, Problem> {
    let mut fields = Fields::parse(&body)?;
    let action = fields.choice("action", &["reset", "force_open", "force_closed"]);
    if action.is_none() && !fields.has("action") {
        fields.reject("action", "is required");
    }
    let action = fields.finish(action.unwrap_or_default().to_owned())?;
    let context = Some(caller.context_at_large()?.0);
    let request = SetBreakerRequest { context, agent_id: path.one(), action };
    let set = front.peers.router().set_breaker(call(request)).await?.into_inner();
    let (agent_id, previous_state, state) = (set.agent_id, set.previous_state, set.state);
    Ok(ok(&Set { agent_id, previous_state, state }))
}
