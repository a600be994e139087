//! Characters that a database does not hold, wherever they may come in.

use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

const ORDER: &str = "I need help with my order";

#[tokio::test]
async fn a_nul_in_an_agents_words_is_an_invalid_reply_and_hurts_nobody_else() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([
            Act::Reply(json!({"content": "a\0b", "workflow_complete": false})),
            Act::Text("a\0b".to_owned()),
        ]);
        for _ in 0..2 {
            let (one, two) = (world.client("user-1"), world.client("user-2"));
            let price = "How much does the blue bicycle cost?";
            let (failed, other) = tokio::join!(one.say(ORDER), two.say(price));
            let outcome = (failed.status, failed.text_at("/code"));
            assert_eq!(outcome, (502, "agent_invalid_response"), "{}", failed.text);
            assert_eq!(other.status, 200, "{}", other.text);
        }
        let answer = world.client("user-1").say(ORDER).await;
        assert_eq!(answer.body["response"], "support here.", "{}", answer.text);
    })
    .await;
}

#[tokio::test]
async fn an_escaped_nul_in_a_state_comes_back_as_it_went() {
    on_both(Setting::shop, async |world| {
        let state = json!({"a\0b": "c\0d"});
        world.agent("support").script([Act::Reply(json!({
            "content": "Which one?", "workflow_complete": false, "workflow_state": state,
            "handoff": {"reason": "a\0b", "target_agent": "sales"}, "usage": {"model": "m\0", "input_tokens": 1},
        }))]);
        let client = world.client("user-1");
        let first = client.say(ORDER).await;
        assert_eq!(first.body["response"], "Which one?", "its blocks count as none: {}", first.text);
        assert_eq!(first.body["usage"]["estimated"], true);
        assert_eq!(client.session(&first).await["workflow_state"], state);
        client.say("It is number 1042").await;
        assert_eq!(world.agent("support").calls()[1].arguments["workflow_state"], state);
    })
    .await;
}

#[tokio::test]
async fn a_nul_from_outside_is_refused_removed_or_unknown() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let said = client.request(json!({"input": "I need help\0 with my order"})).await;
        assert_eq!(said.status, 200, "{}", said.text);
        assert_eq!(world.agent("support").calls()[0].arguments["raw_input"], ORDER);
        let named = client.request(json!({"input": "hm", "display_name": "A\0nn"})).await;
        assert!(named.status < 500, "{}", named.text);
        let task = client.request(json!({"input": "hm", "metadata": {"task_id": "a\0b"}})).await;
        let told = (task.status, task.text_at("/details/0/path"));
        assert_eq!(told, (400, "metadata.task_id"), "{}", task.text);
        for path in ["/sessions/a%00b", "/requests/a%00b/explain", "/agents/a%00b"] {
            let answer = client.get(&format!("/api/v1{path}")).await;
            assert!([400, 404].contains(&answer.status), "{path}: {}", answer.text);
        }
        let path = format!("/api/v1/sessions/{}/close", said.text_at("/session_id"));
        let closed = client.post(&path, &json!({"summary": "a\0b"})).await;
        assert!(closed.status < 500, "{}", closed.text);
    })
    .await;
}
