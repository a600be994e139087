//! `/mcp` as clients speak to it by hand: messages, tools, and what is refused.

use proto::v1::ConverseRequest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client, answer};
use crate::house::House;

const BOTH: &str = "application/json, text/event-stream";

/// Sends a body as it is.
async fn send(client: &Client, body: impl Into<String>) -> Answer {
    let request = client.request(Method::POST, "/mcp").header("accept", BOTH);
    answer(request.header("content-type", "application/json").body(body.into())).await
}

async fn ask(client: &Client, method: &str, params: Value) -> Answer {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    send(client, message.to_string()).await
}

async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    ask(client, "tools/call", json!({"name": tool, "arguments": arguments})).await
}

/// The result of a tool, which is the same as text and as JSON.
fn result(said: &Answer) -> (&Value, bool) {
    let result = &said.body["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", said.text));
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result["structuredContent"]);
    (&result["structuredContent"], result["isError"] == true)
}

fn code(said: &Answer) -> i64 {
    said.body["error"]["code"].as_i64().unwrap_or_else(|| panic!("{}", said.text))
}

#[tokio::test]
async fn clients_of_every_version_get_their_handshake_and_no_session() {
    let house = House::open().await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let params = json!({"protocolVersion": version, "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let said = ask(&house.client(), "initialize", params).await;
        let result = &said.body["result"];
        assert_eq!(result["protocolVersion"], version, "{}", said.text);
        assert_eq!(result["serverInfo"]["name"], "handoff-mesh");
        assert!(result["capabilities"]["tools"].is_object(), "{}", said.text);
        assert_eq!(said.header("mcp-session-id"), "", "any replica answers any message");
        let later = house.client().header("mcp-protocol-version", version);
        let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(send(&later, note).await.status, 202);
        let listed = ask(&later, "tools/list", json!({})).await;
        assert_eq!(listed.body["result"]["tools"].as_array().unwrap().len(), 20);
        assert_eq!(ask(&later, "ping", json!({})).await.body["result"], json!({}));
    }
    let unknown = json!({"protocolVersion": "1999-01-01", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}});
    let said = ask(&house.client(), "initialize", unknown).await;
    assert_eq!(said.body["result"]["protocolVersion"], "2025-11-25", "{}", said.text);
}

#[tokio::test]
async fn a_client_without_a_handshake_is_served_in_each_message() {
    let house = House::open().await;
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let client = house.client().header("mcp-protocol-version", "2026-07-28");
    let found = client.clone().header("mcp-method", "server/discover");
    let found = ask(&found, "server/discover", json!({"_meta": meta})).await;
    let versions = found.body["result"]["supportedVersions"].to_string();
    assert!(versions.contains("2026-07-28") && versions.contains("2025-03-26"), "{}", found.text);
    let client = client.header("mcp-method", "tools/call").header("mcp-name", "list_agents");
    let params = json!({"name": "list_agents", "arguments": {}, "_meta": meta});
    let said = ask(&client, "tools/call", params).await;
    assert_eq!(result(&said).0["agents"].as_array().unwrap().len(), 2);
    // And a single message of no version at all.
    let said = call(&house.client(), "list_agents", json!({})).await;
    assert_eq!(result(&said).0["agents"][0]["agent_id"], "hello");
}

#[tokio::test]
async fn a_message_is_answered_with_the_body_of_rest() {
    let house = House::open().await;
    let arguments = json!({"input": "Hi\u{1}", "user_id": "anna", "session_id": "shop-7",
        "detected_language": "de", "metadata": {"a": 1}});
    let said = call(&house.client(), "handle_message", arguments).await;
    let text = said.body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("\"cost_usd\":0.000360"), "byte for byte as it was stored: {text}");
    assert_eq!(result(&said).0["response"], "Hi");
    assert_eq!(said.header("x-request-id"), result(&said).0["request_id"].as_str().unwrap());
    let alias = json!({"raw_input": "Hello", "employee_id": "e-1"});
    assert!(!result(&call(&house.client(), "handle_message", alias).await).1);
    let nobody = json!({"input": "Hello"});
    assert!(!result(&call(&house.client(), "handle_message", nobody.clone()).await).1);
    call(&house.user("bob"), "handle_message", nobody).await;
    let asked: Vec<ConverseRequest> = house.behind.router.calls("Router/Converse");
    let users: Vec<_> =
        asked.iter().map(|a| a.context.as_ref().unwrap().user_id.as_str()).collect();
    assert_eq!(users, ["anna", "e-1", "key:main", "bob"]);
    assert_eq!(asked[0].session_ref.as_deref(), Some("shop-7"));
    assert_eq!((asked[0].locale.as_str(), asked[0].metadata_json.as_str()), ("de", r#"{"a":1}"#));
}

#[tokio::test]
async fn the_parts_of_an_answer_come_as_progress_to_those_who_ask() {
    let house = House::open().await;
    let client = house.client();
    let mut turns = house.behind.wait_for_turns();
    let params = json!({"name": "handle_message", "arguments": {"input": "Hi", "user_id": "anna"},
        "_meta": {"progressToken": "p-1"}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let turn = async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn.delta("Let me");
        turn.delta(" look");
        turn.result();
    };
    let (said, ()) = tokio::join!(send(&client, body.to_string()), turn);
    assert_eq!(said.header("content-type"), "text/event-stream");
    let told: Vec<Value> = said
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    let texts: Vec<_> = told.iter().map(|told| &told["params"]["message"]).collect();
    assert_eq!(texts[..2], [&json!("Let me"), &json!(" look")], "{}", said.text);
    assert_eq!(told[0]["params"]["progressToken"], "p-1");
    assert_eq!(told[2]["result"]["structuredContent"]["response"], "Hi");
    let request = house.client().request(Method::POST, "/mcp").header("accept", "application/json");
    let (said, ()) = tokio::join!(answer(request.json(&body)), async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn.delta("Let me");
        turn.result();
    });
    assert_eq!(said.header("content-type"), "application/json", "it cannot read a stream");
    assert_eq!(result(&said).0["response"], "Hi");
}

#[tokio::test]
async fn what_is_no_request_is_told_by_the_codes_of_the_protocol() {
    let house = House::open().await;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}1{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    let cases = [
        ("{".to_owned(), 400, -32700),
        (String::new(), 400, -32700),
        ("[]".to_owned(), 400, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#.to_owned(), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(), 400, -32600),
        (deep, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"n":1e999}}}"#.to_owned(), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"dance"}"#.to_owned(), 200, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#.to_owned(), 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"dance"}}"#.to_owned(), 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_agents","arguments":[]}}"#.to_owned(), 200, -32602),
    ];
    for (body, status, expected) in cases {
        let said = send(&house.client(), body.clone()).await;
        assert_eq!((said.status, code(&said)), (status, expected), "{body:.100}: {}", said.text);
        assert_eq!(said.body["jsonrpc"], "2.0");
    }
    let odd = house.client().header("mcp-protocol-version", "1999-01-01");
    assert_eq!(code(&ask(&odd, "tools/list", json!({})).await), -32600);
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let said = answer(house.client().request(method, "/mcp")).await;
        assert_eq!((said.status, said.header("allow")), (405, "POST"));
    }
}

#[tokio::test]
async fn arguments_are_checked_against_what_the_tools_describe() {
    let house = House::open().await;
    let cases = [
        ("handle_message", json!({}), vec!["input"]),
        ("handle_message", json!({"input": ""}), vec!["input"]),
        ("handle_message", json!({"input": "\u{1}"}), vec!["input"]),
        ("handle_message", json!({"input": 7, "session_id": ""}), vec!["input", "session_id"]),
        ("handle_message", json!({"input": "a", "session_id": "a b"}), vec!["session_id"]),
        (
            "handle_message",
            json!({"input": "a", "detected_language": "?"}),
            vec!["detected_language"],
        ),
        ("append_turn", json!({"role": "agent"}), vec!["session_id", "content"]),
        ("append_turn", json!({"session_id": "s", "role": "boss", "content": "x"}), vec!["role"]),
        (
            "evaluate_confidence",
            json!({"confidence": 2, "threshold": "x", "ambiguous": 1, "agent_config": []}),
            vec!["confidence", "threshold", "ambiguous", "agent_config"],
        ),
        (
            "route_request",
            json!({"input": "a", "detected_language": "en", "classifier_output": {"confidence": 2}}),
            vec!["classifier_output.agent_id", "classifier_output.confidence"],
        ),
        (
            "classify_intent",
            json!({"input": "a", "user_context": {"prior_language": 1}}),
            vec!["user_context.prior_language"],
        ),
    ];
    for (tool, arguments, expected) in cases {
        let said = call(&house.client(), tool, arguments.clone()).await;
        assert_eq!(code(&said), -32602, "{tool} {arguments}: {}", said.text);
        let details = said.body["error"]["data"]["details"].as_array().unwrap();
        let paths: Vec<_> = details.iter().map(|fault| fault["path"].as_str().unwrap()).collect();
        assert_eq!(paths, expected, "{tool} {arguments}");
    }
}

#[tokio::test]
async fn failures_of_a_tool_are_results_with_the_body_of_rest() {
    let house = House::open().await;
    house.behind.router.on("Router/GetSession", |_: proto::v1::GetSessionRequest| {
        let fault = chassis::fault::Fault::new(
            chassis::fault::Kind::Missing,
            "session_not_found",
            "no such session",
        );
        Err::<proto::v1::Session, _>(fault.into())
    });
    let said = call(&house.client(), "get_session", json!({"session_id": "s-1"})).await;
    let (body, is_error) = result(&said);
    assert_eq!((&body["code"], is_error), (&json!("session_not_found"), true));
    assert_eq!(body["request_id"].as_str().unwrap(), said.header("x-request-id"));
    let said = call(&house.client(), "get_session_status", json!({"session_id": "s-1"})).await;
    assert_eq!(result(&said), (&json!({"session_id": "s-1", "status": "not_found"}), false));
    let unknown = json!({"agent_name": "nobody", "user_input": "a", "detected_language": "en"});
    let said = call(&house.client(), "generate_clarification_question", unknown).await;
    assert_eq!(result(&said).0["code"], "agent_not_found");
    house.behind.router.unlearn("Router/ListBreakers");
    let said = call(&house.client(), "get_all_states", json!({})).await;
    assert_eq!(result(&said).0["code"], "dependency_unavailable");
    house.behind.router.on("Router/ListBreakers", |_: proto::v1::ListBreakersRequest| {
        if true {
            panic!("secret of the inside");
        }
        Ok(proto::v1::ListBreakersResponse::default())
    });
    let said = call(&house.client(), "get_all_states", json!({})).await;
    assert_eq!((code(&said), said.text.contains("secret")), (-32603, false), "{}", said.text);
}

#[tokio::test]
async fn a_tool_has_a_limit_of_its_own() {
    let limits = [("ENABLE_RATE_LIMITING", "true"), ("RATE_LIMIT_MAX_REQUESTS", "30")];
    let house = House::with(&limits).await;
    for _ in 0..10 {
        let said = call(&house.client(), "get_all_states", json!({})).await;
        assert!(!result(&said).1, "{}", said.text);
    }
    let said = call(&house.client(), "get_all_states", json!({})).await;
    let (body, is_error) = result(&said);
    assert_eq!((&body["code"], is_error), (&json!("rate_limited"), true));
    assert_eq!(body["retry_after"], 6);
    assert_eq!(said.header("x-ratelimit-remaining"), "19", "each message costs one");
    for _ in 0..19 {
        assert!(!result(&call(&house.client(), "list_agents", json!({})).await).1);
    }
    assert_eq!(call(&house.client(), "list_agents", json!({})).await.code(), (429, "rate_limited"));
}

#[tokio::test]
async fn who_may_not_come_in_is_told_as_by_rest() {
    let house = House::open().await;
    let nobody = Client::new(house.address);
    let said = ask(&nobody, "tools/list", json!({})).await;
    assert_eq!(said.code(), (401, "authentication_required"));
    let wrong = nobody.header("x-api-key", "wrong");
    assert_eq!(ask(&wrong, "ping", json!({})).await.code(), (401, "authentication_failed"));
    let foreign = house.client().header("origin", "https://evil.example");
    assert_eq!(ask(&foreign, "ping", json!({})).await.code(), (403, "cors_rejected"));
    let request = house.client().request(Method::POST, "/mcp").header("content-type", "text/plain");
    assert_eq!(answer(request.body("{}")).await.code(), (415, "unsupported_media_type"));
    let large = send(&house.client(), " ".repeat(2 << 20)).await;
    assert_eq!(large.code(), (413, "payload_too_large"));
}
