//! Why a request went where it went.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use proto::v1::ExplainRequest;

use super::raw;
use crate::extract::{Caller, Chat, Path, call};
use crate::front::Front;
use crate::problem::Problem;

/// Why a request went where it went: its decision record.
#[utoipa::path(get, path = "/requests/{request_id}/explain", operation_id = "explain", tag = "chat",
    params(("request_id" = String, Path, description = "The id of the request.")),
    responses((status = 200, description = "The record.", body = Object), (status = 404, description = "not_found")))]
pub(crate) async fn explain(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    uri: Uri,
    path: Path,
) -> Result<Response, Problem> {
    let (context, any_owner) = caller.context_for_view()?;
    let request = ExplainRequest { context: Some(context), request_id: path.one(), any_owner };
    let record = front.peers.router().explain(call(request)).await.map_err(|status| {
        let problem = Problem::of_status(&status);
        if problem.code() == "not_found" { Problem::no_path(uri.path()) } else { problem }
    })?;
    Ok(raw(StatusCode::OK, record.into_inner().record_json))
}
