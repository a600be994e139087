use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn the_next_message_goes_to_the_active_agent_with_its_own_state() {
    on_both(Setting::shop, async |world| {
        let state = json!({"step": "asked", "order": 12_345_678_901_234_567_u64});
        world.agent("support").script([Act::Reply(
            json!({"content": "Which order?", "workflow_complete": false, "workflow_state": state}),
        )]);
        let client = world.client("user-1");
        let first = client.say("I need help with my order").await;
        let second = client.say("It is number 1042, from last week").await;
        assert_eq!(second.body["agent_id"], "support", "mid-session text never re-routes");
        assert_eq!(second.body["session_id"], first.body["session_id"]);
        assert_eq!(second.body["session_new"], false);
        assert_eq!(second.body["routing"]["reason"], "Active session bypass");
        assert_eq!(second.body["classification"]["confidence"], 1.0);
        let calls = world.agent("support").calls();
        assert_eq!(calls.len(), 2);
        assert!(
            calls.iter().all(|call| call.charge_id.ends_with("/1/0")),
            "first attempt, first hop"
        );
        let arguments = &calls[1].arguments;
        assert_eq!(arguments["workflow_state"], state, "opaque, digit for digit");
        let history = arguments["turn_history"].as_array().unwrap();
        let told: Vec<_> =
            history.iter().map(|entry| (&entry["role"], &entry["content"])).collect();
        assert_eq!(
            told,
            [
                (&json!("user"), &json!("I need help with my order")),
                (&json!("agent"), &json!("Which order?"))
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_restart_keeps_sessions_and_what_was_spent() {
    on_both(Setting::shop, async |world| {
        let first = world.client("user-1").say("I need help with my order").await;
        assert_eq!(first.status, 200, "{}", first.text);
        world.restart().await;
        let client = world.client("user-1");
        let second = client.say("It is number 1042").await;
        assert_eq!(second.body["session_id"], first.body["session_id"], "{}", second.text);
        assert_eq!(second.body["agent_id"], "support");
        assert_eq!(second.header("x-budget-remaining"), "9.9", "two calls of 0.05");
        let path = format!("/api/v1/sessions/{}", first.text_at("/session_id"));
        let session = client.get(&path).await;
        assert_eq!(session.body["turns"].as_array().unwrap().len(), 4, "{}", session.text);
        assert_eq!(session.body["active_agent"], "support");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_is_replayed_and_another_one_under_its_key_is_refused() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let body = json!({"input": "I need help with my order"});
        let first = client.request_once("key-1", body.clone()).await;
        let again = client.request_once("key-1", body).await;
        assert_eq!(first.text, again.text, "byte for byte");
        assert_eq!(again.header("idempotent-replay"), "true");
        assert_eq!(first.header("idempotent-replay"), "");
        assert_eq!(world.agent("support").calls().len(), 1, "one call, one charge");
        let other = client.request_once("key-1", json!({"input": "Something else"})).await;
        assert_eq!((other.status, other.text_at("/code")), (409, "idempotency_conflict"));
    })
    .await;
}

#[tokio::test]
async fn a_completed_workflow_closes_the_session_and_a_closed_one_stays_closed() {
    on_both(Setting::shop, async |world| {
        world
            .agent("booking")
            .script([Act::Reply(json!({"content": "Booked.", "workflow_complete": true}))]);
        let client = world.client("user-1");
        let first = client.say("I want to book an appointment tomorrow").await;
        assert_eq!(first.body["workflow_complete"], true, "{}", first.text);
        let path = format!("/api/v1/sessions/{}", first.text_at("/session_id"));
        assert_eq!(client.get(&path).await.body["status"], "completed");
        let next = client.say("Hello").await;
        assert_ne!(next.body["session_id"], first.body["session_id"]);
        let closed = client
            .post(&format!("/api/v1/sessions/{}/close", next.text_at("/session_id")), &json!({}))
            .await;
        assert_eq!((closed.status, closed.text_at("/status")), (200, "completed"));
        let listed = client.get("/api/v1/sessions").await;
        assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 2, "{}", listed.text);
        let foreign = world.client("user-2").get(&path).await;
        assert_eq!((foreign.status, foreign.text_at("/code")), (404, "session_not_found"));
    })
    .await;
}
