use serde_json::json;

use super::{send, send_message};
use crate::world::{Setting, on_both};

#[tokio::test]
async fn another_agent_finds_the_mesh_by_its_card_and_speaks_with_its_agents() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let card = client.get("/.well-known/agent-card.json").await;
        let skills = card.body["skills"].as_array().unwrap().iter();
        let ids: Vec<_> = skills.map(|skill| skill["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["booking", "hello", "sales", "support"], "{}", card.text);
        assert_eq!(card.text_at("/skills/3/name"), "The support desk");
        let url = format!("http://{}/a2a", client.address());
        assert_eq!(card.text_at("/supportedInterfaces/0/url"), url);

        let answer = send(&client, "I need help with my order", None).await;
        assert_eq!(answer.text_at("/result/message/parts/0/text"), "support here.");
        let context = answer.text_at("/result/message/contextId");
        let again = send(&client, "Where is my parcel?", Some(context)).await;
        let session = "/result/message/metadata/session_id";
        assert_eq!(again.text_at(session), answer.text_at(session));
        let history = &world.agent("support").calls()[1].arguments["turn_history"];
        assert_eq!(history.as_array().unwrap().len(), 2, "the context is known: {history}");
        let other = send(&client, "I need help with my order", None).await;
        assert_ne!(other.text_at(session), answer.text_at(session), "a new context");
    })
    .await;
}

#[tokio::test]
async fn a_message_of_another_agent_that_is_repeated_is_answered_once() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let message = json!({
            "messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": "I need help with my order"}],
        });
        let first = send_message(&client, &message).await;
        let again = send_message(&client, &message).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert_eq!(again.header("idempotent-replay"), "true");
        assert_eq!(world.agent("support").calls().len(), 1);
    })
    .await;
}
