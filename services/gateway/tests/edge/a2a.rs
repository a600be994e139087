//! Other agents that speak A2A.

use proto::v1::ConverseRequest;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::house::House;

const CARD: &str = "/.well-known/agent-card.json";

fn message(parts: Value) -> Value {
    json!({"messageId": "m-1", "role": "ROLE_USER", "parts": parts})
}

fn with(field: &str, value: Value) -> Value {
    let mut message = message(json!([{"text": "Hi"}]));
    message[field] = value;
    json!({"message": message})
}

async fn call(client: &Client, method: &str, params: &Value) -> Answer {
    let client = client.clone().header("a2a-version", "1.0");
    let body = json!({"jsonrpc": "2.0", "id": "c-1", "method": method, "params": params});
    let said = client.post("/a2a", &body).await;
    assert_eq!((said.status, &said.body["id"]), (200, &json!("c-1")), "{}", said.text);
    said
}

fn code(said: &Answer) -> i64 {
    said.body["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {}", said.text))
}

#[tokio::test]
async fn the_card_says_where_and_how_without_a_key_and_without_secrets() {
    let house = House::open().await;
    let said = Client::new(house.address).get(CARD).await;
    assert_eq!((said.status, said.header("content-type")), (200, "application/json"));
    let url = format!("http://{}/a2a", house.address);
    let expected = json!({"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"});
    assert_eq!(said.body["supportedInterfaces"][0], expected);
    let skills = said.body["skills"].as_array().unwrap().iter();
    let ids: Vec<_> = skills.map(|skill| &skill["id"]).collect();
    assert_eq!(ids, ["hello", "support"]);
    let required = ["name", "description", "version", "capabilities", "defaultInputModes"];
    for field in required.iter().chain(&["defaultOutputModes", "securityRequirements"]) {
        assert!(!said.body[field].is_null(), "{field} is required: {}", said.text);
    }
    assert!(!said.text.contains("endpoint"), "{}", said.text);
}

#[tokio::test]
async fn the_card_names_the_place_where_it_was_found() {
    let house = House::with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let client = Client::new(house.address).header("host", "chat.example.com:8443");
    let url = |said: Answer| said.body["supportedInterfaces"][0]["url"].clone();
    assert_eq!(url(client.get(CARD).await), "http://chat.example.com:8443/a2a");
    let client = client.header("x-forwarded-proto", "https");
    assert_eq!(url(client.get(CARD).await), "https://chat.example.com:8443/a2a");
    let odd = Client::new(house.address).header("host", "somebody@example.com");
    assert_eq!(url(odd.get(CARD).await), "http://example.com/a2a", "no credentials");
}

#[tokio::test]
async fn a_message_is_answered_with_a_message() {
    let house = House::open().await;
    let mut said = message(json!([{"text": "Hi"}, {"text": "there"}]));
    said["contextId"] = json!("mine");
    said["metadata"] = json!({"user_id": "anna", "locale": "de", "n": 1});
    let answer = call(&house.client(), "SendMessage", &json!({"message": said})).await;
    let reply = &answer.body["result"]["message"];
    let part = &reply["parts"][0]["text"];
    assert_eq!((&reply["role"], part), (&json!("ROLE_AGENT"), &json!("Hi\nthere")));
    assert_eq!(reply["contextId"], "mine", "a context keeps its name");
    assert_eq!(answer.header("x-budget-remaining"), "9.99964");
    call(&house.client(), "SendMessage", &json!({"message": said})).await;
    let asked: Vec<ConverseRequest> = house.behind.router.calls("Router/Converse");
    let first = &asked[0];
    assert_eq!(first.context.as_ref().unwrap().user_id, "anna");
    assert_eq!((first.session_ref.as_deref(), first.locale.as_str()), (Some("mine"), "de"));
    let metadata: Value = serde_json::from_str(&first.metadata_json).unwrap();
    assert_eq!(metadata, said["metadata"], "all of it reaches the agent");
    let repeated = &asked[1].context.as_ref().unwrap().request_id;
    assert_eq!(repeated, &reply["messageId"], "the same message");
}

#[tokio::test]
async fn a_message_without_a_context_begins_one() {
    let house = House::open().await;
    let client = house.client();
    let begun = call(&client, "SendMessage", &with("messageId", json!("m-1"))).await;
    let other = call(&client, "SendMessage", &with("messageId", json!("m-2"))).await;
    let context = |said: &Answer| said.body["result"]["message"]["contextId"].clone();
    assert_ne!(context(&begun), context(&other), "nobody hears what was said to others");
    let mut next = with("messageId", json!("m-3"));
    next["message"]["contextId"] = context(&begun);
    call(&client, "SendMessage", &next).await;
    let again = call(&client, "SendMessage", &with("messageId", json!("m-1"))).await;
    assert_eq!(context(&again), context(&begun), "a repeated message begins nothing");
    let asked: Vec<ConverseRequest> = house.behind.router.calls("Router/Converse");
    let sessions: Vec<_> = asked.iter().map(|asked| asked.session_ref.as_deref()).collect();
    assert_eq!((sessions[2], sessions[3]), (sessions[0], sessions[0]));
}

#[tokio::test]
async fn who_names_no_user_acts_as_its_key() {
    let house = House::open().await;
    let said = json!({"message": message(json!([{"text": "Hi"}]))});
    call(&house.client(), "SendMessage", &said).await;
    call(&house.user("anna"), "SendMessage", &said).await;
    let asked: Vec<ConverseRequest> = house.behind.router.calls("Router/Converse");
    let user = |asked: &ConverseRequest| asked.context.as_ref().unwrap().user_id.clone();
    assert_eq!(asked.iter().map(user).collect::<Vec<_>>(), ["key:main", "anna"]);
}

#[tokio::test]
async fn failures_are_those_of_the_protocol() {
    let house = House::open().await;
    let client = house.client();
    let configured = |configuration: Value| {
        let message = message(json!([{"text": "Hi"}]));
        json!({"message": message, "configuration": configuration})
    };
    let long = "x".repeat(10_001);
    let cases = [
        ("SendMessage", json!({}), -32602),
        ("SendMessage", json!({"message": 7}), -32602),
        ("SendMessage", with("messageId", json!(null)), -32602),
        ("SendMessage", with("role", json!("ROLE_AGENT")), -32602),
        ("SendMessage", with("parts", json!([])), -32602),
        ("SendMessage", with("parts", json!([7])), -32602),
        ("SendMessage", with("parts", json!([{"text": 7}])), -32602),
        ("SendMessage", with("parts", json!([{"text": long}])), -32602),
        ("SendMessage", with("parts", json!([{"url": "https://example.com/a.png"}])), -32005),
        ("SendMessage", with("taskId", json!("t-1")), -32001),
        ("SendMessage", with("contextId", json!("not an id")), -32602),
        ("SendMessage", with("metadata", json!([])), -32602),
        ("SendMessage", with("metadata", json!({"locale": "no tag"})), -32602),
        ("SendMessage", configured(json!({"acceptedOutputModes": ["image/png"]})), -32005),
        ("SendMessage", configured(json!({"taskPushNotificationConfig": {"url": "x"}})), -32003),
        ("SendStreamingMessage", json!({}), -32004),
        ("SubscribeToTask", json!({"id": "t-1"}), -32004),
        ("GetTask", json!({"id": "t-1"}), -32001),
        ("CancelTask", json!({"id": "t-1"}), -32001),
        ("CreateTaskPushNotificationConfig", json!({}), -32003),
        ("GetExtendedAgentCard", json!({}), -32004),
        ("message/send", json!({}), -32601),
    ];
    for (method, params, expected) in cases {
        let said = call(&client, method, &params).await;
        assert_eq!(code(&said), expected, "{method} {params}: {}", said.text);
    }
    let rules = call(&client, "SendMessage", &with("contextId", json!("not an id"))).await;
    let field = &rules.body["error"]["data"][1]["fieldViolations"][0]["field"];
    assert_eq!(field, "message.contextId", "{}", rules.text);
    let listed = call(&client, "ListTasks", &json!({})).await;
    assert_eq!(listed.body["result"]["tasks"], json!([]));
    assert!(house.behind.router.calls::<ConverseRequest>("Router/Converse").is_empty());
}

#[tokio::test]
async fn clients_of_other_versions_and_bodies_that_are_no_call_are_told() {
    let house = House::open().await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ListTasks"});
    let client = house.client();
    for version in ["0.3", "2.0", "1.00", "1", ""] {
        let older = client.clone().header("a2a-version", version);
        assert_eq!(code(&older.post("/a2a", &body).await), -32009, "{version:?}");
    }
    assert_eq!(code(&client.post("/a2a", &body).await), -32009, "none is an older one");
    let patched = client.clone().header("a2a-version", "1.0.1").post("/a2a", &body).await;
    assert!(patched.body["result"].is_object(), "a patch changes nothing: {}", patched.text);
    let asked = client.post("/a2a?A2A-Version=1.0", &body).await;
    assert!(asked.body["result"].is_object(), "it may stand in the query: {}", asked.text);
    assert_eq!(code(&client.post("/a2a", &json!([])).await), -32600);
    let notification = json!({"jsonrpc": "2.0", "method": "ListTasks"});
    assert_eq!(code(&client.post("/a2a", &notification).await), -32600);
    assert_eq!(Client::new(house.address).post("/a2a", &body).await.status, 401);
}

#[tokio::test]
async fn a_turn_that_fails_says_why() {
    let house = House::open().await;
    let client = house.client();
    let mut turns = house.behind.wait_for_turns();
    let said = with("role", json!("ROLE_USER"));
    for (reason, expected) in
        [("agent_timeout", -32603), ("budget_exceeded", -32000), ("session_not_found", -32602)]
    {
        let failing = async { turns.recv().await.unwrap().error(reason) };
        let (said, ()) = tokio::join!(call(&client, "SendMessage", &said), failing);
        let info = &said.body["error"]["data"][0];
        assert_eq!((code(&said), &info["reason"]), (expected, &json!(reason)), "{}", said.text);
        assert_eq!(info["metadata"]["request_id"], said.header("x-request-id"));
    }
}
