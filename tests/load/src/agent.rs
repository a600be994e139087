//! An agent that answers at once, so that the mesh and not the agent is measured.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::Json;
use axum::routing::{get, post};
use fleet::{Agent, Call, Reply};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Prompt;

impl Agent for Prompt {
    async fn call(&self, _: Call) -> Reply {
        Reply::Said(answer())
    }
}

/// Serves `/mcp` for the mesh and `/plain` for the bare proxy, until killed.
pub(crate) async fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let routes =
        fleet::routes(Prompt).route("/plain", post(plain)).route("/health", get(|| async { "ok" }));
    fleet::serve(TcpListener::bind(listen).await?, routes).await
}

async fn plain(_: Bytes) -> Json<Value> {
    Json(answer())
}

fn answer() -> Value {
    json!({
        "content": "Your order 1042 left our workshop this morning and arrives on Thursday.",
        "workflow_complete": false,
        "workflow_state": {"step": "told", "order": "1042"},
        "usage": {"input_tokens": 812, "output_tokens": 64, "cost_usd": 0.000_001}
    })
}
