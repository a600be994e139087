//! Circuit breakers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use proto::v1::{ListBreakersRequest, SetBreakerRequest};
use serde::Serialize;

use super::ok;
use crate::extract::{Admin, Caller, Json, Path, Read, call};
use crate::fields::Fields;
use crate::front::Front;
use crate::problem::Problem;
use crate::view;

/// `GET /breakers`.
pub(crate) async fn list(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct List {
        breakers: Vec<view::Breaker>,
    }
    let context = Some(caller.context_at_large()?.0);
    let list = front.peers.router().list_breakers(call(ListBreakersRequest { context })).await?;
    let breakers = list.into_inner().breakers.into_iter().map(view::Breaker::of).collect();
    Ok(ok(&List { breakers }))
}

/// `POST /breakers/{agent_id}`.
pub(crate) async fn set(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
    Json(body): Json,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Set {
        agent_id: String,
        previous_state: String,
        state: String,
    }
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
