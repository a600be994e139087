//! What customers, pages and assistants see of the edge, on both topologies.

mod a2a;
mod foreign;
mod keys;
mod logs;
mod money;
mod sockets;
mod tools;

use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// Calls a tool of `/mcp`.
async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    let params = json!({"name": tool, "arguments": arguments});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    client.post("/mcp", &message).await
}

/// Says something over A2A, in a context if there is one.
async fn send(client: &Client, text: &str, context: Option<&str>) -> Answer {
    let mut message = json!({
        "messageId": uuid::Uuid::new_v4(), "role": "ROLE_USER", "parts": [{"text": text}],
    });
    if let Some(context) = context {
        message["contextId"] = json!(context);
    }
    send_message(client, &message).await
}

/// Sends a message of A2A.
async fn send_message(client: &Client, message: &Value) -> Answer {
    let params = json!({"message": message});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params});
    client.clone().with_header("a2a-version", "1.0").post("/a2a", &call).await
}

/// The result of a tool that fails, and its code.
fn refused(answer: &Answer) -> &str {
    assert_eq!(answer.body["result"]["isError"], true, "{}", answer.text);
    answer.text_at("/result/structuredContent/code")
}
