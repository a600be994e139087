//! What the mesh says of its interface, held against what it does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::agent::Act;
use crate::client::{Answer, Client};
use crate::world::{KEY, Setting, World, on_both};

/// Headers that every HTTP server sends, or that keep a browser safe.
const COMMON: [&str; 9] = [
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "cache-control",
    "vary",
    "x-frame-options",
    "x-content-type-options",
    "content-security-policy",
];

/// Holds answers against the document.
struct Judge {
    document: Value,
    seen: BTreeSet<String>,
}

impl Judge {
    async fn new(client: &Client) -> Self {
        let document = client.get("/openapi.json").await.body;
        Self { document, seen: BTreeSet::new() }
    }

    /// An answer of an operation, named as in `GET /v1/agents`, has to be as described.
    fn hold(&mut self, operation: &str, answer: &Answer) {
        let place = format!("{operation} {}: {}", answer.status, answer.text);
        let (method, path) = operation.split_once(' ').unwrap();
        let described = &self.document["paths"][path][method.to_lowercase()];
        let response = &described["responses"][answer.status.to_string()];
        assert!(response.is_object(), "a status that is not described: {place}");
        for name in answer.headers.keys().map(|name| name.as_str()) {
            let headers = response["headers"].as_object().unwrap();
            let is_described = headers.keys().any(|own| own.eq_ignore_ascii_case(name));
            assert!(is_described || COMMON.contains(&name), "the header {name} of {place}");
        }
        let kind = answer.header("content-type").split(';').next().unwrap().trim();
        if kind.is_empty() {
            assert!(response["content"].is_null(), "a body is missing: {place}");
        } else {
            let content = &response["content"][kind];
            assert!(content.is_object(), "a content type that is not described: {kind} of {place}");
            if kind == "application/json" {
                self.fits(&content["schema"], &answer.body, &place);
            }
        }
        self.seen.insert(format!("{operation} {}", answer.status));
    }

    fn fits(&self, schema: &Value, body: &Value, place: &str) {
        let whole = json!({"components": self.document["components"], "allOf": [schema]});
        let validator = jsonschema::draft202012::new(&whole).expect("a schema is one");
        let faults: Vec<_> = validator
            .iter_errors(body)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?} in {place}");
    }

    /// Every operation has shown one of the successes that it describes.
    fn missing(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap();
        let mut missing = Vec::new();
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("/api/")) {
            for (method, operation) in item.as_object().unwrap() {
                let name = format!("{} {path}", method.to_uppercase());
                let responses = operation["responses"].as_object().unwrap();
                let mut successes = responses.keys().filter(|status| status.as_str() < "300");
                if !successes.any(|status| self.seen.contains(&format!("{name} {status}"))) {
                    missing.push(name);
                }
            }
        }
        missing
    }
}

/// One call: the operation, the path, and a body if there is one.
type Call<'a> = (&'a str, String, Option<Value>);

async fn make(judge: &mut Judge, client: &Client, calls: impl IntoIterator<Item = Call<'_>>) {
    for (operation, path, body) in calls {
        let method = operation.split_once(' ').unwrap().0;
        let answer = client.send(method, &path, body.as_ref()).await;
        judge.hold(operation, &answer);
    }
}

/// A turn of each kind, and the session of the first.
async fn converse(judge: &mut Judge, world: &World, client: &Client) -> String {
    const REQUEST: &str = "POST /v1/request";
    let say = |input: &str| json!({"input": input, "user_id": "user-1"});
    world.agent("support").script([Act::Reply(json!({"content": "On its way.",
        "usage": {"model": "gpt-4o-mini", "input_tokens": 1200, "output_tokens": 300}}))]);
    let first = client.post("/v1/request", &say("I need help with my order")).await;
    judge.hold(REQUEST, &first);
    let explained = format!("/v1/requests/{}/explain", first.text_at("/request_id"));
    let stranger = json!({"input": "Hi", "user_id": "u", "session_id": first.body["session_id"]});
    world.agent("support").script([Act::Fail("no".to_owned())]);
    let refused = json!({"messages": []});
    let chat = json!({"user": "user-2", "messages": [{"role": "user", "content": "Hello"}]});
    let calls: [Call<'_>; 8] = [
        ("GET /v1/requests/{request_id}/explain", explained, None),
        (REQUEST, "/v1/request".to_owned(), Some(say("It is number 1042"))),
        (REQUEST, "/v1/request".to_owned(), Some(json!({"input": ""}))),
        (REQUEST, "/v1/request".to_owned(), Some(json!({"input": "Hm", "user_id": "user-9"}))),
        (REQUEST, "/v1/request".to_owned(), Some(stranger)),
        ("POST /v1/chat/completions", "/v1/chat/completions".to_owned(), Some(chat)),
        ("POST /v1/chat/completions", "/v1/chat/completions".to_owned(), Some(refused)),
        (
            "GET /v1/requests/{request_id}/explain",
            format!("/v1/requests/{}/explain", uuid::Uuid::new_v4()),
            None,
        ),
    ];
    make(judge, client, calls).await;
    first.text_at("/session_id").to_owned()
}

async fn tend_sessions(judge: &mut Judge, client: &Client, id: &str) {
    let at = |rest: &str| format!("/v1/sessions/{id}{rest}");
    let nowhere = format!("/v1/sessions/{}", uuid::Uuid::new_v4());
    let calls: [Call<'_>; 10] = [
        ("GET /v1/sessions", "/v1/sessions?limit=1".to_owned(), None),
        ("GET /v1/sessions", "/v1/sessions?limit=1000".to_owned(), None),
        ("GET /v1/sessions/{id}", at(""), None),
        ("GET /v1/sessions/{id}", nowhere.clone(), None),
        (
            "POST /v1/sessions/{id}/handoff",
            at("/handoff"),
            Some(json!({"reason": "price", "target_agent": "sales"})),
        ),
        (
            "POST /v1/sessions/{id}/handoff",
            at("/handoff"),
            Some(json!({"reason": "x", "target_agent": "nobody"})),
        ),
        ("POST /v1/sessions/{id}/handoff", at("/handoff"), Some(json!({}))),
        ("POST /v1/sessions/{id}/close", at("/close"), Some(json!({"status": "completed"}))),
        ("POST /v1/sessions/{id}/resume", at("/resume"), None),
        ("POST /v1/sessions/{id}/close", format!("{nowhere}/close"), None),
    ];
    make(judge, client, calls).await;
}

async fn tend_agents(judge: &mut Judge, client: &Client) {
    let availability = Some(json!({"availability": "busy"}));
    let calls: [Call<'_>; 12] = [
        ("GET /v1/agents", "/v1/agents".to_owned(), None),
        ("GET /v1/agents/{agent_id}", "/v1/agents/sales".to_owned(), None),
        ("GET /v1/agents/{agent_id}", "/v1/agents/nobody".to_owned(), None),
        (
            "PUT /v1/agents/{agent_id}/availability",
            "/v1/agents/sales/availability".to_owned(),
            availability.clone(),
        ),
        (
            "PUT /v1/agents/{agent_id}/availability",
            "/v1/agents/nobody/availability".to_owned(),
            availability,
        ),
        ("PUT /v1/agents/{agent_id}", "/v1/agents/extra".to_owned(), Some(definition())),
        ("PUT /v1/agents/{agent_id}", "/v1/agents/extra".to_owned(), Some(definition())),
        ("DELETE /v1/agents/{agent_id}", "/v1/agents/extra".to_owned(), None),
        ("POST /v1/registry/reload", "/v1/registry/reload".to_owned(), None),
        ("GET /v1/breakers", "/v1/breakers".to_owned(), None),
        (
            "POST /v1/breakers/{agent_id}",
            "/v1/breakers/sales".to_owned(),
            Some(json!({"action": "reset"})),
        ),
        (
            "POST /v1/breakers/{agent_id}",
            "/v1/breakers/nobody".to_owned(),
            Some(json!({"action": "reset"})),
        ),
    ];
    make(judge, client, calls).await;
}

fn definition() -> Value {
    json!({"agent_id": "extra", "display_name": "Extra", "description": "Does what the others do not.",
        "type": "mcp", "endpoint": "http://127.0.0.1:9/mcp", "is_default": false, "confidence_threshold": 0.7,
        "clarification_required": true, "examples": ["Something else entirely"]})
}

async fn tend_budgets(judge: &mut Judge, client: &Client) {
    let budget = "/v1/budgets/user/user-1".to_owned();
    let check = json!({"scopes": ["user:user-1", {"type": "org", "key": "mesh"}], "model": "gpt-4o",
        "input_tokens": 1000, "max_output_tokens": 1000});
    let calls: [Call<'_>; 13] = [
        ("GET /v1/budgets", "/v1/budgets".to_owned(), None),
        ("PUT /v1/budgets/{type}/{key}", budget.clone(), Some(json!({"limit_usd": 5}))),
        (
            "PUT /v1/budgets/{type}/{key}",
            budget.clone(),
            Some(json!({"limit_usd": 6, "period": "daily",
            "policy": {"auto_downgrade": [{"from": ["gpt-4o"], "to": "gpt-4o-mini"}]}})),
        ),
        ("PUT /v1/budgets/{type}/{key}", budget.clone(), Some(json!({"limit_usd": -1}))),
        ("GET /v1/budgets/{type}/{key}", budget.clone(), None),
        ("GET /v1/budgets/{type}/{key}", "/v1/budgets/org/nobody".to_owned(), None),
        ("POST /v1/budgets/check", "/v1/budgets/check".to_owned(), Some(check)),
        ("POST /v1/budgets/{type}/{key}/reset", format!("{budget}/reset"), None),
        ("DELETE /v1/budgets/{type}/{key}", budget.clone(), None),
        ("DELETE /v1/budgets/{type}/{key}", "/v1/budgets/org/nobody".to_owned(), None),
        ("GET /v1/spend", "/v1/spend?group_by=agent".to_owned(), None),
        ("GET /v1/spend", "/v1/spend?group_by=planet".to_owned(), None),
        ("GET /v1/budgets/{type}/{key}", "/v1/budgets/planet/mars".to_owned(), None),
    ];
    make(judge, client, calls).await;
}

async fn look(judge: &mut Judge, client: &Client) {
    let message = |method: &str| json!({"jsonrpc": "2.0", "id": 1, "method": method});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let said = json!({"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": "Hello"}]});
    let mut sent = message("SendMessage");
    sent["params"] = json!({"message": said});
    let calls: [Call<'_>; 18] = [
        ("GET /health", "/health".to_owned(), None),
        ("GET /health/deep", "/health/deep".to_owned(), None),
        ("GET /metrics", "/metrics".to_owned(), None),
        ("GET /openapi.json", "/openapi.json".to_owned(), None),
        ("GET /v1/openapi.json", "/v1/openapi.json".to_owned(), None),
        ("GET /v1/models", "/v1/models".to_owned(), None),
        ("POST /v1/tickets", "/v1/tickets".to_owned(), None),
        ("POST /v1/tickets", "/v1/tickets".to_owned(), Some(json!({"sessionId": "a b"}))),
        ("GET /v1/sse", "/v1/sse".to_owned(), None),
        ("GET /v1/ws", "/v1/ws".to_owned(), None),
        ("GET /ws", "/ws".to_owned(), None),
        ("GET /", "/".to_owned(), None),
        ("GET /.well-known/agent-card.json", "/.well-known/agent-card.json".to_owned(), None),
        ("POST /a2a", "/a2a?A2A-Version=1.0".to_owned(), Some(sent)),
        ("POST /a2a", "/a2a".to_owned(), Some(json!([]))),
        ("POST /mcp", "/mcp".to_owned(), Some(message("tools/list"))),
        ("POST /mcp", "/mcp".to_owned(), Some(json!([]))),
        ("POST /mcp", "/mcp".to_owned(), Some(note)),
    ];
    make(judge, client, calls).await;
}

/// What a caller without a key, without JSON or with too much of it is told, at each operation that can tell it.
async fn intrude(judge: &mut Judge, client: &Client) {
    let paths = judge.document["paths"].as_object().unwrap().clone();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/v1/")) {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"].is_null() || method != "post" {
                continue;
            }
            let name = format!("POST {path}");
            let place = path.replace(['{', '}'], "");
            judge.hold(&name, &client.raw(&place, &[], b"{}".to_vec()).await);
            if operation["requestBody"].is_object() {
                let text = [("x-api-key", KEY), ("content-type", "text/plain")];
                judge.hold(&name, &client.raw(&place, &text, b"{}".to_vec()).await);
                let json = [("x-api-key", KEY), ("content-type", "application/json")];
                judge.hold(&name, &client.raw(&place, &json, vec![b' '; 2 << 20]).await);
            }
        }
    }
}

#[tokio::test]
async fn every_route_answers_as_it_is_described() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let mut judge = Judge::new(&client).await;
        let session = converse(&mut judge, world, &client).await;
        tend_sessions(&mut judge, &client, &session).await;
        tend_agents(&mut judge, &client).await;
        tend_budgets(&mut judge, &client).await;
        look(&mut judge, &client).await;
        intrude(&mut judge, &client).await;
        // Sockets and streams have no end that could be waited for; other scenarios open them.
        let endless = ["GET /", "GET /v1/sse", "GET /v1/ws", "GET /ws"];
        assert_eq!(judge.missing(), endless);
    })
    .await;
}
