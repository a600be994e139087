//! What operators see: traces, metrics and logs of programs that run as in production.

mod logs;
mod metrics;
mod traces;

use axum::Json;
use serde_json::{Value, json};

use crate::agent::Act;

/// The reply of an agent that passes the customer on to support.
fn pass_on() -> Act {
    Act::Reply(json!({
        "content": "Let me pass you to support.",
        "usage": usage(),
        "handoff": {"reason": "wants a refund", "target_agent": "support", "summary": "A refund."}
    }))
}

fn usage() -> Value {
    json!({"model": "gpt-4o-mini-2024-07-18", "input_tokens": 1200, "output_tokens": 300})
}

/// A language model that knows appointments, sends everybody else to sales, and may be unsure; gives its URL.
async fn model() -> String {
    let completions = async |Json(request): Json<Value>| Json(complete(&request));
    let router =
        axum::Router::new().route("/v1/chat/completions", axum::routing::post(completions));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

fn complete(request: &Value) -> Value {
    let said = request["messages"][1]["content"].as_str().unwrap_or_default();
    let agent = if said.contains("appointment") { "booking" } else { "sales" };
    let confidence = if said.contains("unsure") { 0.3 } else { 0.93 };
    let opinion = json!({"agent_id": agent, "confidence": confidence, "intent_summary": "A wish."});
    json!({
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"message": {"role": "assistant", "content": opinion.to_string()}}],
        "usage": {"prompt_tokens": 321, "completion_tokens": 21}
    })
}
