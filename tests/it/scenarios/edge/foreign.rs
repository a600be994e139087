use serde_json::{Value, json};

use super::{call, refused, send};
use crate::client::{Answer, Client};
use crate::world::{Setting, on_both};

const CODE: &str = "session_not_found";

fn is_missing(answer: &Answer) {
    assert_eq!((answer.status, answer.text_at("/code")), (404, CODE), "{}", answer.text);
}

/// Everything that REST does with a session.
async fn over_rest(client: &Client, id: &str) {
    is_missing(&client.request(json!({"input": "Hi", "session_id": id})).await);
    is_missing(&client.get(&format!("/v1/sessions/{id}")).await);
    is_missing(&client.get(&format!("/v1/sse?sessionId={id}")).await);
    let changes = [
        ("close", json!({})),
        ("resume", json!({})),
        ("handoff", json!({"reason": "I like it", "target_agent": "sales"})),
    ];
    for (change, body) in changes {
        is_missing(&client.post(&format!("/v1/sessions/{id}/{change}"), &body).await);
    }
    let listed = client.get("/v1/sessions").await;
    assert!(!listed.text.contains(id), "{}", listed.text);
}

async fn over_mcp(client: &Client, id: &str) {
    let calls: [(&str, Value); 6] = [
        ("handle_message", json!({"input": "Hi", "session_id": id})),
        ("get_session", json!({"session_id": id})),
        ("append_turn", json!({"session_id": id, "role": "user", "content": "x"})),
        ("update_workflow_state", json!({"session_id": id, "workflow_state": {}})),
        ("close_session", json!({"session_id": id, "status": "completed"})),
        ("resume_session", json!({"prior_session_id": id, "user_id": "user-2"})),
    ];
    for (tool, arguments) in calls {
        assert_eq!(refused(&call(client, tool, arguments).await), CODE, "{tool}");
    }
    let status = call(client, "get_session_status", json!({"session_id": id})).await;
    assert_eq!(status.text_at("/result/structuredContent/status"), "not_found");
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_there_on_any_interface() {
    on_both(Setting::shop, async |world| {
        let owner = world.client("user-1");
        let first = owner.say("I need help with my order").await;
        let id = first.text_at("/session_id");
        let stranger = world.client("user-2");
        over_rest(&stranger, id).await;
        over_mcp(&stranger, id).await;
        let a2a = send(&stranger, "Hi", Some(id)).await;
        assert_eq!(a2a.text_at("/error/data/0/reason"), CODE);
        assert_eq!(stranger.try_socket(&format!("&sessionId={id}")).await.err(), Some(404));
        let mut socket = stranger.socket("").await;
        socket.next().await;
        socket.send(json!({"type": "message", "input": "Hi", "sessionId": id})).await;
        assert_eq!(socket.next().await["payload"]["code"], CODE);
        let record = format!("/v1/requests/{}/explain", first.text_at("/request_id"));
        assert_eq!(stranger.get(&record).await.status, 404);
        // Nothing of that has changed it.
        let session = owner.session(&first).await;
        assert_eq!((&session["status"], &session["turn_count"]), (&json!("active"), &json!(2)));
        assert_eq!(world.agent("support").calls().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_operator_changes_a_session_for_its_owner() {
    on_both(Setting::shop, async |world| {
        let first = world.client("user-1").say("I need help with my order").await;
        let id = first.text_at("/session_id");
        let operator = world.client("");
        let entry = json!({"session_id": id, "role": "agent", "content": "By telephone: done."});
        let appended = call(&operator, "append_turn", entry).await;
        assert_eq!(
            appended.body["result"]["structuredContent"]["turn_count"], 3,
            "{}",
            appended.text
        );
        let seen = call(&operator, "get_session", json!({"session_id": id})).await;
        assert_eq!(seen.text_at("/result/structuredContent/user_id"), "user-1");
    })
    .await;
}
