//! What customers, pages and assistants see of the edge, on both topologies.

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

/// The result of a tool that fails, and its code.
fn refused(answer: &Answer) -> &str {
    assert_eq!(answer.body["result"]["isError"], true, "{}", answer.text);
    answer.text_at("/result/structuredContent/code")
}
