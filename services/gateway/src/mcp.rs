//! `/mcp`: the mesh as tools of an assistant, over MCP's Streamable HTTP.
//!
//! The protocol is rmcp's. Here stands what is ours: who may come in, which bodies are messages at all, and how failures
//! look. Nothing is kept between two messages, so that any replica answers any of them; a client that initialises gets
//! its handshake and no session.

mod argument;
mod breakers;
mod call;
mod clarification;
mod conversation;
mod entries;
#[cfg(test)]
mod fuzz;
mod gate;
mod routing;
mod server;
mod sessions;
#[cfg(test)]
mod skills;
mod tool;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::Full;
use rmcp::model::ErrorCode;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use self::server::Server;
use crate::envelope::{Envelope, Refusal};
use crate::extract::Json;
use crate::front::Front;
use crate::middleware::cors;
use crate::openapi::body::RpcMessage;
use crate::openapi::problem::RpcProblem;
use crate::problem::Problem;
use crate::routes::raw;

/// Where assistants find the tools.
pub(crate) const PATH: &str = "/mcp";
/// What a client has to accept, which those that ask by hand forget.
const BOTH_KINDS: &str = "application/json, text/event-stream";

type Service = StreamableHttpService<Server, NeverSessionManager>;

/// A message as it came, for what must not be read twice or differently.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    /// The arguments of a tool call, byte for byte.
    arguments: String,
    /// Whether the client can read more than one message in answer.
    can_stream: bool,
}

/// The one route of the protocol.
pub(crate) fn routes(front: &Arc<Front>) -> UtoipaMethodRouter<Arc<Front>> {
    let (schemas, paths, methods) = routes!(message);
    (schemas, paths, methods.fallback(not_allowed).layer(Extension(service(front))))
}

fn service(front: &Arc<Front>) -> Service {
    // The key says who calls; which names and pages lead here is settled before.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(front.config.body_bytes_max)
        .disable_allowed_hosts();
    let server = Server::new(front.clone());
    StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    )
}

/// A message of the Model Context Protocol, over Streamable HTTP without sessions.
#[utoipa::path(post, path = PATH, operation_id = "mcp", tag = "chat",
    request_body = RpcMessage,
    responses(
        (status = 200, description = "The response, failures of tools included; a stream when progress was asked for.",
            content((Object = "application/json"), (String = "text/event-stream"))),
        (status = 202, description = "A notification was taken."),
        (status = 400, description = "Not a message of the protocol, or of a version that is not known.", body = RpcProblem),
        (status = 404, description = "A method that a stateless client asked for is not known.", body = RpcProblem),
        (status = 500, description = "internal", body = RpcProblem)))]
async fn message(
    State(front): State<Arc<Front>>,
    Extension(service): Extension<Service>,
    mut parts: Parts,
    Json(body): Json,
) -> Response {
    if !cors::may_connect(&front.config.origins, &parts.headers) {
        return Problem::new("cors_rejected").into_response();
    }
    let arguments = match Envelope::parse(&body) {
        Ok(envelope) => envelope.arguments().to_owned(),
        Err(refusal) => return refused(refusal),
    };
    let can_stream = accepts(&parts.headers, "text/event-stream");
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static(BOTH_KINDS));
    parts.extensions.insert(Spoken { arguments, can_stream });
    let response = service.handle(Request::from_parts(parts, Full::new(body))).await;
    match response.status() {
        status if status.is_server_error() => failed(),
        status if status.is_client_error() && !is_json(response.headers()) => {
            refused(Refusal::NotARequest)
        }
        _ => response.map(Body::new),
    }
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|own| own.split(';').next().is_some_and(|own| own.trim().eq_ignore_ascii_case(kind)))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

/// A body that is no message has no id that could be told.
fn refused(refusal: Refusal) -> Response {
    let (code, message) = refusal.error();
    error(StatusCode::BAD_REQUEST, code, message)
}

fn failed() -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::INTERNAL_ERROR.0, server::INTERNAL)
}

fn error(status: StatusCode, code: i32, message: &str) -> Response {
    let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}});
    raw(status, body.to_string())
}

/// Without sessions there is no stream to open and nothing to delete; the protocol has a status of its own for that.
async fn not_allowed() -> Response {
    let code = ErrorCode::INVALID_REQUEST.0;
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, code, "the method is not allowed");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
