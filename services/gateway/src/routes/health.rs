//! Health and metrics, for machines.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;

use super::{json, ok};
use crate::extract::{Caller, Read};
use crate::front::Front;
use crate::health::Alive;

/// `GET /health`: the process is there.
pub(crate) async fn shallow() -> Response {
    ok(&Alive::now("healthy"))
}

/// `GET /health/deep`: all that it needs is there.
pub(crate) async fn deep(State(front): State<Arc<Front>>) -> Response {
    let (status, report) = front.probe.report(&front).await;
    json(status, &report)
}

/// `GET /metrics`.
pub(crate) async fn metrics(_: Caller<Read>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], chassis::telemetry::metrics_text()).into_response()
}
