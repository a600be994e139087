//! All routes, and the order of what stands around them.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::front::Front;
use crate::middleware::{admit, cors, outer, security};
use crate::problem::Problem;
use crate::routes::{
    agents, breakers, budgets, chat, explain, health, request, sessions, spend, tickets,
};
use crate::{mcp, sse, websocket};

/// The whole HTTP interface.
pub(crate) fn router(front: &Arc<Front>) -> Router {
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(front.clone(), outer::outer))
        .layer(from_fn_with_state(front.clone(), security::redirect))
        .layer(from_fn_with_state(front.clone(), cors::cors))
        .layer(from_fn_with_state(front.clone(), admit::admit))
        .layer(CatchPanicLayer::custom(panicked));
    ["/api/v1", "/v1"]
        .into_iter()
        .fold(Router::new(), versioned)
        .route(chat::PATH, post(chat::complete))
        .route("/", get(websocket::connect))
        .route("/ws", get(websocket::connect))
        .route("/health", get(health::shallow))
        .route("/health/deep", get(health::deep))
        .route("/metrics", get(health::metrics))
        .merge(mcp::routes(front))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(layers)
        .with_state(front.clone())
}

/// What stands under each version's prefix.
fn versioned(router: Router<Arc<Front>>, prefix: &str) -> Router<Arc<Front>> {
    let at = |path: &str| format!("{prefix}{path}");
    router
        .route(&at("/request"), post(request::request))
        .route(&at("/sessions"), get(sessions::list))
        .route(&at("/sessions/{id}"), get(sessions::get))
        .route(&at("/sessions/{id}/close"), post(sessions::close))
        .route(&at("/sessions/{id}/resume"), post(sessions::resume))
        .route(&at("/sessions/{id}/handoff"), post(sessions::hand_over))
        .route(&at("/requests/{request_id}/explain"), get(explain::explain))
        .route(&at("/agents"), get(agents::list))
        .route(
            &at("/agents/{agent_id}"),
            get(agents::get).put(agents::put).delete(agents::delete),
        )
        .route(&at("/agents/{agent_id}/availability"), put(agents::set_availability))
        .route(&at("/registry/reload"), post(agents::reload))
        .route(&at("/budgets"), get(budgets::list))
        .route(&at("/budgets/check"), post(budgets::check))
        .route(
            &at("/budgets/{type}/{key}"),
            get(budgets::get).put(budgets::put).delete(budgets::delete),
        )
        .route(&at("/budgets/{type}/{key}/reset"), post(budgets::reset))
        .route(&at("/spend"), get(spend::report))
        .route(&at("/breakers"), get(breakers::list))
        .route(&at("/breakers/{agent_id}"), post(breakers::set))
        .route(&at("/tickets"), post(tickets::issue))
        .route(&at("/ws"), get(websocket::connect))
        .route(&at("/sse"), get(sse::subscribe))
}

/// Whether the path is for those who look whether anybody is there.
pub(crate) fn is_health(path: &str) -> bool {
    path == "/health" || path == "/health/deep"
}

/// Whether the path needs no key.
pub(crate) fn is_public(path: &str) -> bool {
    is_health(path)
}

async fn nowhere(request: Request) -> Response {
    Problem::no_path(request.uri().path()).into_response()
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new("internal").into_response()
}
