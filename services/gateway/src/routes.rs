//! The handlers of REST, one file a group.

pub(crate) mod a2a;
pub(crate) mod agents;
pub(crate) mod answer;
pub(crate) mod breakers;
pub(crate) mod budgets;
pub(crate) mod chat;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod request;
pub(crate) mod sessions;
pub(crate) mod spend;
pub(crate) mod tickets;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A response of JSON that is text already.
pub(crate) fn raw(status: StatusCode, body: String) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// A response of JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    raw(status, serde_json::to_string(body).expect("a view is JSON"))
}

/// A successful response of JSON.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}
