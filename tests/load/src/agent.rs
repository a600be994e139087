//! An agent that answers at once: the least that MCP asks for, so that the mesh and not the agent is measured.

use std::net::SocketAddr;

use axum::extract::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Router, body::Bytes};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use axum::serve::ListenerExt as _;

/// Serves `/mcp` for the mesh and `/plain` for the bare proxy, until killed.
pub(crate) async fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new()
        .route("/mcp", post(mcp))
        .route("/plain", post(plain))
        .route("/health", axum::routing::get(|| async { "ok" }));
    axum::serve(listener, router).await?;
    Ok(())
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

async fn mcp(Json(message): Json<Value>) -> Response {
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "load", "version": "1"}
        }),
        Some("tools/list") => json!({"tools": [
            {"name": "handle_message", "description": "Answers.", "inputSchema": {"type": "object"}}
        ]}),
        Some("tools/call") => json!({
            "content": [{"type": "text", "text": "see structuredContent"}],
            "structuredContent": answer(),
            "isError": false
        }),
        Some("ping") => json!({}),
        _ if message.get("id").is_none() => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({"code": -32601, "message": "unknown method"});
            return Json(json!({"jsonrpc": "2.0", "id": message["id"], "error": error}))
                .into_response();
        }
    };
    Json(json!({"jsonrpc": "2.0", "id": message["id"], "result": result})).into_response()
}
