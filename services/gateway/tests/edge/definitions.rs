use chassis::fault::{Fault, Kind};
use proto::v1::put_agent_request::Definition;
use proto::v1::{DeleteAgentRequest, PutAgentRequest, PutAgentResponse, ReloadResult};
use reqwest::Method;
use serde_json::json;

use crate::client::{Answer, answer};
use crate::house::House;

const PATH: &str = "/v1/agents/sales";

async fn put(house: &House, kind: &str, body: &[u8]) -> Answer {
    let request = house.client().request(Method::PUT, PATH).header("content-type", kind);
    answer(request.body(body.to_vec())).await
}

fn result(generation: u64) -> ReloadResult {
    let warnings = vec!["odd".to_owned()];
    ReloadResult { success: true, generation, agent_count: 2, warnings, ..ReloadResult::default() }
}

#[tokio::test]
async fn a_definition_reaches_the_registry_as_it_was_sent() {
    let house = House::open().await;
    house.behind.registry.on("Registry/PutAgent", |request: PutAgentRequest| {
        let created = matches!(request.definition, Some(Definition::Yaml(_)));
        Ok(PutAgentResponse { result: Some(result(7)), created })
    });
    let json_text = "{\"agent_id\" : \"sales\",\t\"threshold\": 0.70}";
    let said = put(&house, "application/json; charset=utf-8", json_text.as_bytes()).await;
    assert_eq!(said.status, 200, "{}", said.text);
    assert_eq!((&said.body["generation"], &said.body["warnings"]), (&json!(7), &json!(["odd"])));
    let yaml = "# ours\nagent_id: sales\n";
    for kind in ["application/yaml", "text/yaml", "TEXT/X-YAML", "application/x-yaml"] {
        assert_eq!(put(&house, kind, yaml.as_bytes()).await.status, 201, "{kind}");
    }
    let calls = house.behind.registry.calls::<PutAgentRequest>("Registry/PutAgent");
    assert!(calls.iter().all(|call| call.agent_id == "sales" && call.context.is_some()));
    assert_eq!(calls[0].definition, Some(Definition::Json(json_text.to_owned())));
    assert!(
        calls[1..].iter().all(|call| call.definition == Some(Definition::Yaml(yaml.to_owned())))
    );
}

#[tokio::test]
async fn what_is_no_definition_does_not_reach_the_registry() {
    let house = House::open().await;
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("application/json", b"{", 400, "invalid_json"),
        ("application/json", b"agent_id: sales", 400, "invalid_json"),
        ("application/json", b"\xff", 400, "invalid_json"),
        ("text/yaml", b"a: \xff", 400, "invalid_request"),
        ("text/plain", b"{}", 415, "unsupported_media_type"),
        ("application/json", &[b' '; 2 << 20], 413, "payload_too_large"),
    ];
    for (kind, body, status, code) in cases {
        let said = put(&house, kind, body).await;
        assert_eq!(said.code(), (status, code), "{kind}: {}", said.text);
    }
    assert!(house.behind.registry.calls::<PutAgentRequest>("Registry/PutAgent").is_empty());
}

#[tokio::test]
async fn what_the_registry_refuses_is_told_by_field() {
    let house = House::open().await;
    house.behind.registry.on(
        "Registry/PutAgent",
        |_: PutAgentRequest| -> Result<PutAgentResponse, _> {
            let refused = Fault::new(Kind::Invalid, "invalid_request", "no");
            Err(refused.violation("cost.model", "sales.yaml:3:4: cost: model: is missing").into())
        },
    );
    let said = put(&house, "application/json", b"{}").await;
    assert_eq!(said.code(), (400, "invalid_request"));
    let detail =
        json!({"path": "cost.model", "message": "sales.yaml:3:4: cost: model: is missing"});
    assert_eq!(said.body["details"], json!([detail]));
    house.behind.registry.on("Registry/DeleteAgent", |request: DeleteAgentRequest| {
        match request.agent_id.as_str() {
            "sales" => Ok(result(8)),
            _ => Err(Fault::new(Kind::Closed, "registry_read_only", "the folder").into()),
        }
    });
    assert_eq!(house.client().delete(PATH).await.body["generation"], 8);
    let said = house.client().delete("/api/v1/agents/support").await;
    assert_eq!(said.code(), (409, "registry_read_only"));
    assert_eq!(
        (&said.body["error"], said.text.contains("the folder")),
        (&json!("Conflict"), false)
    );
}
