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

/// `GET /requests/{request_id}/explain`.
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
