//! The least that MCP asks of an agent; what it says is up to its user.

use std::future::Future;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Json, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A call of one of an agent's tools.
#[derive(Clone, Debug)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// What it is to be charged under; empty for an offer.
    pub charge_id: String,
    /// Its arguments.
    pub arguments: Value,
}

/// What an agent makes of a call.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This is its structured answer.
    Said(Value),
    /// The tool failed.
    Failed,
    /// The connection is lost, after the work was done.
    Lost,
}

/// Somebody who answers calls.
pub trait Agent: Clone + Send + Sync + 'static {
    /// The tools that it lists.
    fn tools(&self) -> &'static [&'static str] {
        &["handle_message"]
    }

    /// Resolves when it is ready to be spoken to.
    fn greet(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Answers a call.
    fn call(&self, call: Call) -> impl Future<Output = Reply> + Send;
}

/// Serves an agent at `/mcp`.
pub fn routes<A: Agent>(agent: A) -> Router {
    Router::new().route("/mcp", post(mcp::<A>)).with_state(agent)
}

/// Serves agents until the task is dropped.
pub async fn serve(listener: TcpListener, routes: Router) -> anyhow::Result<()> {
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn mcp<A: Agent>(
    State(agent): State<A>,
    headers: HeaderMap,
    Json(mut message): Json<Value>,
) -> Response {
    let result = match message["method"].as_str() {
        Some("initialize") => {
            agent.greet().await;
            json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "fleet", "version": "1"}
            })
        }
        Some("tools/list") => {
            let schema = json!({"type": "object"});
            let tool =
                |name| json!({"name": name, "description": "A tool.", "inputSchema": schema});
            json!({"tools": agent.tools().iter().map(tool).collect::<Vec<_>>()})
        }
        Some("tools/call") => {
            let charge_id = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
            let call = Call {
                tool: message["params"]["name"].as_str().unwrap_or_default().to_owned(),
                charge_id: charge_id.unwrap_or_default().to_owned(),
                arguments: message["params"]["arguments"].take(),
            };
            match agent.call(call).await {
                Reply::Said(answer) => said(&answer),
                Reply::Failed => failed(),
                Reply::Lost => return lost(),
            }
        }
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

fn said(answer: &Value) -> Value {
    json!({
        "content": [{"type": "text", "text": "see structuredContent"}],
        "structuredContent": answer,
        "isError": false
    })
}

fn failed() -> Value {
    json!({"content": [{"type": "text", "text": "the stock system is down"}], "isError": true})
}

fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("lost")) });
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from_stream(broken))
        .expect("a header and a body are a response")
}
