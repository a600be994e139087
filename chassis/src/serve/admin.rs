use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::http;
use crate::{Life, telemetry};

/// Serves `/health` and `/metrics` for operators until the life is closing.
pub fn admin(listener: TcpListener, service: &'static str, life: &Life) {
    let stop = life.clone();
    let health = move || {
        let is_stopping = stop.is_stopping();
        async move {
            let (code, status) = if is_stopping {
                (StatusCode::SERVICE_UNAVAILABLE, "draining")
            } else {
                (StatusCode::OK, "healthy")
            };
            (code, Json(serde_json::json!({"status": status, "service": service})))
        }
    };
    let router = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(|| async { telemetry::metrics_text() }));
    http("admin", listener, router, life);
}
