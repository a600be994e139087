//! The desks over HTTP: one MCP path each, and `/health`.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

use crate::config::Config;
use crate::desks::Desks;
use crate::tool::Server;
use crate::topic::Desk;

/// The most bytes of one call: a long history fits.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The paths of all desks.
pub(crate) fn router(desks: &Arc<Desks>, config: &Config) -> Router {
    let router = Router::new()
        .route("/health", get(|| async { Json(json!({"status": "healthy", "service": "desk"})) }));
    Desk::ALL.into_iter().fold(router, |router, desk| {
        let server = Server::new(desk, desks.clone());
        // A desk keeps nothing between calls but what it hands to the mesh, so a call needs no session, and its answer
        // is one JSON body: an event stream takes a third more time.
        let service = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::new(NeverSessionManager::default()),
            mode(config),
        );
        router.route_service(&format!("/{}", desk.id()), service)
    })
}

fn mode(config: &Config) -> StreamableHttpServerConfig {
    let mode = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(BODY_BYTES_MAX)
        .enforce_origin_validation();
    // On loopback only loopback names are answered, against DNS rebinding; elsewhere the desk cannot know its names.
    if config.listen.ip().is_loopback() { mode } else { mode.disable_allowed_hosts() }
}
