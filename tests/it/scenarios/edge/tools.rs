use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call;
use crate::client::Client;
use crate::program::root;
use crate::world::{Setting, on_both};

/// The calls that other clients make too.
fn calls() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("tests/clients/calls.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A value with what is known in place of its names.
fn filled(value: &Value, known: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => known.get(text).cloned().unwrap_or_else(|| value.clone()),
        Value::Object(fields) => {
            fields.iter().map(|(name, inner)| (name.clone(), filled(inner, known))).collect()
        }
        other => other.clone(),
    }
}

async fn ask(client: &Client, method: &str, params: Value) -> Value {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    client.post("/mcp", &message).await.body
}

#[tokio::test]
async fn a_client_initialises_lists_and_calls_every_tool() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "scenario", "version": "1"}});
        let greeting = ask(&client, "initialize", hello).await;
        assert_eq!(greeting["result"]["protocolVersion"], "2025-06-18", "{greeting}");
        let listed = ask(&client, "tools/list", json!({})).await;
        let mut open: Vec<_> = listed["result"]["tools"].as_array().unwrap().iter().collect();
        let mut known = BTreeMap::from([("$user".to_owned(), json!("user-1"))]);
        for one in calls() {
            let name = one["tool"].as_str().unwrap();
            let answer = call(&client, name, filled(&one["arguments"], &known)).await;
            let result = &answer.body["result"];
            assert_ne!(result["isError"], true, "{name}: {}", answer.text);
            let body = &result["structuredContent"];
            let text = result["content"][0]["text"].as_str().unwrap();
            assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), body, "{name}");
            for (field, expected) in one["has"].as_object().unwrap() {
                let is_it = expected.is_null() || body[field] == filled(expected, &known);
                assert!(is_it && !body[field].is_null(), "{name} {field}: {body}");
            }
            for (own, field) in one["keep"].as_object().into_iter().flatten() {
                known.insert(format!("${own}"), body[field.as_str().unwrap()].clone());
            }
            let at = open.iter().position(|tool| tool["name"] == name).expect("it is listed");
            let tool = open.remove(at);
            assert!(jsonschema::is_valid(&tool["outputSchema"], body), "{name}: {body}");
            let wrong =
                call(&client, name, json!({"agent_id": 7, "session_id": 7, "input": 7})).await;
            let needs = &tool["inputSchema"]["required"];
            assert!(
                needs.is_null() || wrong.body["error"]["code"] == -32602,
                "{name}: {}",
                wrong.text
            );
        }
        assert!(open.is_empty(), "tools that nobody calls: {open:?}");
    })
    .await;
}

#[tokio::test]
async fn a_state_travels_byte_for_byte_through_the_tools() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let first = client.say("I need help with my order").await;
        let id = first.text_at("/session_id");
        let state = r#"{"b" : 1.10, "a":[12345678901234567890, 1e2]}"#;
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"update_workflow_state",
               "arguments":{{"session_id":"{id}","workflow_state":{state}}}}}}}"#
        );
        let headers = [("x-api-key", crate::world::KEY), ("x-user-id", "user-1"), ("content-type", "application/json")];
        let stored = client.raw("/mcp", &headers, body.into_bytes()).await;
        assert_eq!(stored.body["result"]["isError"], false, "{}", stored.text);
        let session = client.get(&format!("/v1/sessions/{id}")).await;
        assert!(session.text.contains(state), "{}", session.text);
        client.say("It is number 1042").await;
        let heard = &world.agent("support").calls()[1].arguments["workflow_state"];
        assert_eq!(heard, &serde_json::from_str::<Value>(state).unwrap());
    })
    .await;
}
