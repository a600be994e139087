//! The outermost layer: the request id, the span, the safety headers, and the bodies of problems.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chassis::trace;
use http::{HeaderMap, HeaderValue, header};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::front::Front;
use crate::middleware::security;
use crate::problem::Problem;
use crate::routes::chat;

/// The header of the request id.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The id of an HTTP request: the client's, if it is a UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let given = given.and_then(|text| Uuid::try_parse(text.trim()).ok());
        Self(given.unwrap_or_else(Uuid::new_v4).to_string())
    }
}

/// Answers for everything within: nothing leaves without its id and the safety headers.
pub(crate) async fn outer(
    State(front): State<Arc<Front>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let span = tracing::info_span!(
        "http",
        otel.name = format!("{} {}", request.method(), request.uri().path()),
        otel.kind = "server",
        request_id = id.0,
    );
    trace::adopt(&span, request.headers());
    request.extensions_mut().insert(id.clone());
    let is_chat = chat::is_spoken_at(request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        write(&mut response, &problem, (&id.0, is_chat));
    }
    let headers = response.headers_mut();
    if !headers.contains_key(REQUEST_ID) {
        headers.insert(REQUEST_ID, HeaderValue::from_str(&id.0).expect("a UUID is plain text"));
    }
    security::harden(headers, front.config.mode);
    response
}

fn write(response: &mut Response, problem: &Problem, (request_id, is_chat): (&str, bool)) {
    let request_id = problem.request_id().unwrap_or(request_id);
    let body = if is_chat { chat::error(problem) } else { problem.body(request_id) };
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
}
