//! All routes, and the order of what stands around them.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::front::Front;
use crate::middleware::{admit, cors, outer, security};
use crate::openapi::{self, Atlas};
use crate::problem::Problem;
use crate::routes::{
    a2a, agents, breakers, budgets, chat, explain, health, request, sessions, spend, tickets,
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
        .fold(Atlas::new(), versioned)
        .mount("", routes!(chat::complete))
        .mount("", routes!(chat::models::list))
        .mount("", routes!(websocket::connect))
        .mount_at("/", "_root", routes!(websocket::connect))
        .mount("", routes!(a2a::card::card))
        .mount("", routes!(a2a::call))
        .mount("", routes!(health::shallow))
        .mount("", routes!(health::deep))
        .mount("", routes!(health::metrics))
        .mount("", mcp::routes(front))
        .finish()
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(layers)
        .with_state(front.clone())
}

/// What stands under each version's prefix.
fn versioned(atlas: Atlas, prefix: &str) -> Atlas {
    let routes: [UtoipaMethodRouter<Arc<Front>>; 21] = [
        routes!(request::request),
        routes!(sessions::list),
        routes!(sessions::get),
        routes!(sessions::close),
        routes!(sessions::resume),
        routes!(sessions::hand_over),
        routes!(explain::explain),
        routes!(agents::list),
        routes!(agents::get, agents::put, agents::delete),
        routes!(agents::set_availability),
        routes!(agents::reload),
        routes!(budgets::list),
        routes!(budgets::check::check),
        routes!(budgets::get, budgets::put, budgets::delete),
        routes!(budgets::reset),
        routes!(spend::report),
        routes!(breakers::list),
        routes!(breakers::set),
        routes!(tickets::issue),
        routes!(websocket::connect),
        routes!(sse::subscribe),
    ];
    routes.into_iter().fold(atlas, |atlas, routes| atlas.mount(prefix, routes))
}

/// Whether the path is for those who look whether anybody is there.
pub(crate) fn is_health(path: &str) -> bool {
    path == "/health" || path == "/health/deep"
}

/// Whether the path needs no key.
pub(crate) fn is_public(path: &str) -> bool {
    is_health(path) || openapi::is_document(path) || path == a2a::card::CARD
}

async fn nowhere(request: Request) -> Response {
    Problem::no_path(request.uri().path()).into_response()
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new("internal").into_response()
}
