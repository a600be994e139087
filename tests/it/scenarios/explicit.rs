use serde_json::{Value, json};

use crate::world::{Setting, on_both};

async fn shop() -> Setting {
    Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false")
}

#[tokio::test]
async fn a_session_is_handed_over_without_a_message() {
    on_both(shop, async |world| {
        let client = world.client("user-1");
        let first = client.say("How much does the blue bicycle cost?").await;
        let path = format!("/api/v1/sessions/{}/handoff", first.text_at("/session_id"));
        let body = json!({"reason": "the shift ends", "target_agent": "support"});
        let handed = client.post(&path, &body).await;
        assert_eq!(handed.status, 200, "{}", handed.text);
        let said = &handed.body;
        assert_eq!((&said["success"], &said["rejection_reason"]), (&json!(true), &Value::Null));
        let agents = (&said["from_agent"], &said["receiving_agent"]);
        assert_eq!(agents, (&json!("sales"), &json!("support")));
        let decision = (&said["decision"]["type"], &said["decision"]["target_agent"]);
        assert_eq!(decision, (&json!("primary"), &json!("support")));
        assert!(world.agent("support").calls().is_empty(), "nobody has said anything");
        assert_eq!(client.session(&first).await["active_agent"], "support");

        let next = client.say("Thank you").await;
        assert_eq!(next.body["agent_id"], "support", "{}", next.text);
        let brief = &world.agent("support").calls()[0].arguments["handoff"];
        assert_eq!(brief["handoff_id"], said["handoff_id"]);
        assert_eq!(
            (&brief["from_agent"], &brief["reason"]),
            (&json!("sales"), &json!("the shift ends"))
        );
        let recent = brief["recent_messages"].as_array().unwrap();
        assert_eq!(recent[0]["content"], "How much does the blue bicycle cost?");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_nobody_takes_stays_where_it_is_until_it_is_closed() {
    on_both(shop, async |world| {
        let client = world.client("user-1");
        let first = client.say("How much does the blue bicycle cost?").await;
        let session = format!("/api/v1/sessions/{}", first.text_at("/session_id"));
        let path = format!("{session}/handoff");
        let ask = async |body: Value| client.post(&path, &body).await;
        let unknown = ask(json!({"reason": "why not", "target_agent": "warehouse"})).await;
        assert_eq!((unknown.status, unknown.text_at("/code")), (404, "agent_not_found"));
        let refused = ask(json!({"reason": "why not", "target_agent": "sales"})).await;
        assert_eq!(
            (refused.status, &refused.body["success"]),
            (200, &json!(false)),
            "{}",
            refused.text
        );
        assert_eq!(refused.text_at("/rejection_reason"), "no_match");
        assert_eq!(refused.body["receiving_agent"], Value::Null);
        assert_eq!(refused.text_at("/decision/type"), "fallback");
        for (body, path) in [
            (json!({"target_agent": "support"}), "reason"),
            (json!({"reason": "x", "policy": "loose"}), "policy"),
        ] {
            let odd = ask(body).await;
            assert_eq!((odd.status, odd.text_at("/details/0/path")), (400, path), "{}", odd.text);
        }
        assert_eq!(client.say("And the red one?").await.body["agent_id"], "sales");
        client.post(&format!("{session}/close"), &json!({})).await;
        let late = ask(json!({"reason": "x", "target_agent": "support"})).await;
        assert_eq!((late.status, late.text_at("/code")), (409, "session_closed"), "{}", late.text);
        assert!(world.agent("support").calls().is_empty());
    })
    .await;
}
