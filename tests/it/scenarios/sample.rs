use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn the_sample_call_is_answered_by_support_with_every_field() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Reply(json!({
            "content": "Which order is it?",
            "workflow_complete": false,
            "usage": {"model": "gpt-4o-mini", "input_tokens": 1200, "output_tokens": 300}
        }))]);
        let answer = world.client("user-1").say("I need help with my order").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = &answer.body;
        let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "type",
            "request_id",
            "session_id",
            "session_new",
            "agent_id",
            "response",
            "workflow_complete",
            "classification",
            "routing",
            "handoffs",
            "usage",
            "budget",
            "duration_ms",
        ];
        expected.sort_unstable();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "all fields of the contract are present");
        assert_eq!(body["type"], "answer");
        assert_eq!(body["agent_id"], "support");
        assert_eq!(body["response"], "Which order is it?");
        assert_eq!(body["session_new"], true);
        assert_eq!(body["routing"]["action"], "route");
        assert_eq!(body["handoffs"], json!([]));
        assert!(answer.text.contains(r#""cost_usd":0.00036,"#), "money is exact: {}", answer.text);
        assert_eq!(answer.header("x-budget-scope"), "user:user-1");
        assert_eq!(answer.header("x-budget-remaining"), "9.99964");
        assert_eq!(answer.header("x-request-id"), answer.text_at("/request_id"));
    })
    .await;
}

#[tokio::test]
async fn each_message_reaches_the_agent_whose_work_it_is() {
    on_both(Setting::shop, async |world| {
        let cases = [
            ("How much does the red bicycle cost?", "sales"),
            ("I want to book an appointment for tomorrow", "booking"),
            ("Where is my order? The parcel is late", "support"),
            ("Hello", "hello"),
        ];
        for (user, (input, agent)) in cases.into_iter().enumerate() {
            let answer = world.client(&format!("user-{user}")).say(input).await;
            assert_eq!(answer.body["agent_id"], agent, "{input}: {}", answer.text);
        }
    })
    .await;
}

#[tokio::test]
async fn both_prefixes_serve_the_same_and_health_needs_no_key() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let headers = [("x-api-key", crate::world::KEY), ("content-type", "application/json")];
        let body = br#"{"input":"I need help with my order","user_id":"user-1"}"#;
        let answer = client.raw("/v1/request", &headers, body.to_vec()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let health = client.get("/health").await;
        assert_eq!(health.status, 200);
        assert_eq!(health.body["service"], "handoff-mesh");
        let deep = client.get("/health/deep").await;
        assert_eq!(deep.body["agents"], json!(["booking", "hello", "sales", "support"]));
        assert_eq!(deep.body["defaultAgent"], "hello");
        assert_eq!(deep.body["checks"]["registry"]["message"], "4 agents loaded");
    })
    .await;
}
