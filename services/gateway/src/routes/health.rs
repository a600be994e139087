//! Health and metrics, for machines.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;

use super::{json, ok};
use crate::extract::{Caller, Read};
use crate::front::Front;
use crate::health::{Alive, Report};

/// The process is there.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "health",
    responses((status = 200, description = "It is.", body = Alive)))]
pub(crate) async fn shallow() -> Response {
    ok(&Alive::now("healthy"))
}

/// All that it needs is there.
#[utoipa::path(get, path = "/health/deep", operation_id = "health_deep", tag = "health",
    responses(
        (status = 200, description = "It is, or only Redis or the language model is missing.", body = Report),
        (status = 503, description = "It is not, or the service is ending.", body = Report)))]
pub(crate) async fn deep(State(front): State<Arc<Front>>) -> Response {
    let (status, report) = front.probe.report(&front).await;
    json(status, &report)
}

/// Every metric, in the text form of Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "health",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(_: Caller<Read>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], chassis::telemetry::metrics_text()).into_response()
}
