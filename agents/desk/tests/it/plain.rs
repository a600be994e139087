use serde_json::{Value, json};

use crate::house::{House, arguments, http};

fn call(arguments: &Value, token: Option<&str>) -> Value {
    let meta = token.map(|token| json!({"progressToken": token})).unwrap_or_else(|| json!({}));
    json!({
        "jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": {"name": "handle_message", "arguments": arguments, "_meta": meta},
    })
}

fn content_type(response: &reqwest::Response) -> String {
    response.headers()["content-type"].to_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_call_without_a_handshake_is_one_json_body() {
    let house = House::open().await;
    // The mesh always sends a progress token; that alone does not make a stream of the answer.
    let body = call(&arguments("s", "r", "hello", &json!({})), Some("token"));
    let response = house.post("default-agent", body).await;
    assert_eq!(
        (response.status().as_u16(), content_type(&response).as_str()),
        (200, "application/json")
    );
    let body: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
    assert_eq!(body["id"], 7);
    let reply = &body["result"]["structuredContent"];
    let text: Value =
        serde_json::from_str(body["result"]["content"][0]["text"].as_str().expect("a text"))
            .expect("JSON");
    assert_eq!(reply, &text, "clients that know only texts read the same");
    assert!(reply.get("handoff").is_none());
}

#[tokio::test]
async fn who_asks_to_read_along_gets_the_text_in_parts() {
    let house = House::open().await;
    let mut arguments = arguments("s", "r", "hello", &json!({}));
    arguments["metadata"] = json!({"stream": true});
    let response = house.post("default-agent", call(&arguments, Some("token"))).await;
    assert_eq!(content_type(&response), "text/event-stream");
    let body = response.text().await.expect("a body");
    let events = body
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter(|data| !data.trim().is_empty());
    let messages: Vec<Value> =
        events.map(|data| serde_json::from_str(data).expect("JSON")).collect();
    let (last, parts) = messages.split_last().expect("messages");
    let parts: Vec<&str> =
        parts.iter().map(|part| part["params"]["message"].as_str().expect("a text")).collect();
    assert_eq!(parts.len(), 2);
    assert_eq!(
        parts.concat(),
        last["result"]["structuredContent"]["content"].as_str().expect("a text")
    );
}

#[tokio::test]
async fn a_wrong_call_is_told_what_is_wrong() {
    let house = House::open().await;
    let valid = || arguments("s", "r", "hello", &json!({}));
    let with = |name: &str, value: Value| {
        let mut arguments = valid();
        arguments[name] = value;
        arguments
    };
    let cases = [
        (json!({}), "missing field `session_id`"),
        (with("raw_input", json!("  ")), "raw_input may not be empty"),
        (with("raw_input", json!(7)), "expected a string"),
        (with("request_id", json!("")), "request_id may not be empty"),
        (with("raw_input", json!("x".repeat(20_001))), "more than 20000 characters"),
        (with("turn_history", json!("none")), "invalid type"),
    ];
    for (arguments, expected) in cases {
        let response = house.post("support", call(&arguments, None)).await;
        let body: Value =
            serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
        assert_eq!(body["error"]["code"], -32602, "{body}");
        assert!(
            body["error"]["message"].as_str().is_some_and(|text| text.contains(expected)),
            "{expected}: {body}"
        );
    }
    let unknown = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "other", "arguments": {}}});
    let body: Value =
        serde_json::from_str(&house.post("sales", unknown).await.text().await.expect("a body"))
            .expect("JSON");
    assert_eq!(body["error"]["code"], -32602, "{body}");
}

#[tokio::test]
async fn states_that_no_desk_wrote_do_no_harm() {
    let house = House::open().await;
    for desk in ["sales", "support", "booking", "default-agent"] {
        for state in [
            json!({"asked": "x"}),
            json!({"focus": 7, "date": "never"}),
            json!({"goal": {"a": [1]}}),
        ] {
            let name = format!("{desk} {state}");
            let response =
                house.post(desk, call(&arguments(&name, "r", "hello", &state), None)).await;
            let body: Value =
                serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
            assert!(body["result"]["structuredContent"]["content"].is_string(), "{desk}: {body}");
        }
    }
}

#[tokio::test]
async fn health_and_strangers() {
    let house = House::open().await;
    let client = http();
    let health = client.get(format!("{}/health", house.url)).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    let body: Value = serde_json::from_str(&health.text().await.expect("a body")).expect("JSON");
    assert_eq!(body, json!({"status": "healthy", "service": "desk"}));
    let unknown = client.post(format!("{}/nobody", house.url)).send().await.expect("an answer");
    assert_eq!(unknown.status(), 404);
    let rebound = client
        .post(format!("{}/sales", house.url))
        .header("host", "evil.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(rebound.status(), 403, "another name of this address");
    let page = client
        .post(format!("{}/sales", house.url))
        .header("origin", "https://evil.example")
        .send()
        .await;
    assert_eq!(page.expect("an answer").status(), 403, "a page of another site");
}
