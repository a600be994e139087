//! The document of all routes, as it is served.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::Client;
use crate::house::House;

/// What the contract serves below both prefixes.
const VERSIONED: [&str; 26] = [
    "POST /request",
    "GET /sessions",
    "GET /sessions/{id}",
    "POST /sessions/{id}/close",
    "POST /sessions/{id}/resume",
    "POST /sessions/{id}/handoff",
    "GET /requests/{request_id}/explain",
    "GET /agents",
    "GET /agents/{agent_id}",
    "PUT /agents/{agent_id}",
    "DELETE /agents/{agent_id}",
    "PUT /agents/{agent_id}/availability",
    "POST /registry/reload",
    "GET /budgets",
    "GET /budgets/{type}/{key}",
    "PUT /budgets/{type}/{key}",
    "DELETE /budgets/{type}/{key}",
    "POST /budgets/check",
    "POST /budgets/{type}/{key}/reset",
    "GET /spend",
    "GET /breakers",
    "POST /breakers/{agent_id}",
    "POST /tickets",
    "GET /ws",
    "GET /sse",
    "GET /openapi.json",
];
/// What it serves once.
const PLAIN: [&str; 11] = [
    "POST /v1/chat/completions",
    "GET /v1/models",
    "GET /health",
    "GET /health/deep",
    "GET /openapi.json",
    "GET /metrics",
    "POST /mcp",
    "POST /a2a",
    "GET /.well-known/agent-card.json",
    "GET /",
    "GET /ws",
];

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("a document has paths");
    let of_path = |(path, item): (&String, &'static str)| format!("{} {path}", item.to_uppercase());
    let methods = ["get", "put", "post", "delete"];
    paths
        .iter()
        .flat_map(|(path, item)| {
            methods
                .iter()
                .filter_map(move |method| Some((of_path((path, *method)), item.get(method)?)))
        })
        .collect()
}

#[tokio::test]
async fn every_route_of_the_contract_is_described_and_nothing_else() {
    let house = House::open().await;
    let nobody = Client::new(house.address);
    let said = nobody.get("/openapi.json").await;
    assert_eq!((said.status, said.header("content-type")), (200, "application/json"));
    assert_eq!(said.body["openapi"], "3.1.0", "{}", said.body["openapi"]);
    for path in ["/v1/openapi.json", "/api/v1/openapi.json"] {
        assert_eq!(nobody.get(path).await.body, said.body, "{path}");
    }
    let below = |prefix: &str| {
        let at = |route: &&str| route.replacen(" /", &format!(" {prefix}/"), 1);
        VERSIONED.iter().map(at).collect::<Vec<_>>()
    };
    let plain = PLAIN.map(str::to_owned).into_iter();
    let expected: BTreeSet<_> = plain.chain(below("/v1")).chain(below("/api/v1")).collect();
    let described = operations(&said.body);
    let own: BTreeSet<_> = described.iter().map(|(route, _)| route.clone()).collect();
    assert_eq!(own, expected);
    let ids: BTreeSet<_> = described.iter().map(|(_, it)| it["operationId"].as_str()).collect();
    assert_eq!(ids.len(), described.len(), "each operation has a name of its own");
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_how_it_fails() {
    let house = House::open().await;
    let document = Client::new(house.address).get("/openapi.json").await.body;
    for (route, operation) in operations(&document) {
        assert!(
            operation["summary"].is_string() || operation["description"].is_string(),
            "{route}"
        );
        let responses = operation["responses"].as_object().unwrap();
        let is_public = ["/health", "openapi.json", "agent-card.json"];
        let needs_key = !is_public.iter().any(|part| route.contains(part));
        assert_eq!(operation["security"].is_array(), needs_key, "{route}");
        for status in ["400", "401", "403", "429", "500", "503"] {
            assert!(!needs_key || responses.contains_key(status), "{route} lacks {status}");
        }
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{route} {status}");
            assert!(response["headers"]["X-Request-Id"].is_object(), "{route} {status}");
            let is_failure = status.as_str() >= "400";
            assert!(
                !is_failure || response["content"]["application/json"]["schema"].is_object(),
                "{route} {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let house = House::open().await;
    let document = Client::new(house.address).get("/openapi.json").await.body;
    let mut open = vec![&document];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("within the document");
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                    seen += 1;
                }
                open.extend(fields.values());
            }
            Value::Array(elements) => open.extend(elements),
            _ => {}
        }
    }
    assert!(seen > 100, "there are references");
}
