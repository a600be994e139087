use serde_json::json;

use super::{call, refused, send};
use crate::world::{Setting, on_both};

#[tokio::test]
async fn an_empty_budget_is_told_on_every_interface_and_the_agent_hears_nothing() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"user:*\", limit_usd: 0.05, period: none}\n";
        Setting::shop().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        const INPUT: &str = "I need help with my order";
        let client = world.client("user-1");
        assert_eq!(client.say(INPUT).await.status, 200, "the first uses it up");
        let denied = client.say(INPUT).await;
        assert_eq!((denied.status, denied.text_at("/code")), (402, "budget_exceeded"));
        let mut socket = client.socket("").await;
        socket.next().await;
        socket.send(json!({"type": "message", "input": INPUT})).await;
        let frames = socket.until("error").await;
        let payload = &frames.last().unwrap()["payload"];
        assert_eq!(payload["code"], "budget_exceeded", "{payload}");
        assert_eq!(payload["scope"], "user:user-1", "{payload}");
        let tool = call(&client, "handle_message", json!({"input": INPUT})).await;
        assert_eq!(refused(&tool), "budget_exceeded");
        assert_eq!(tool.text_at("/result/structuredContent/scope"), "user:user-1");
        let chat = json!({"user": "user-1", "messages": [{"role": "user", "content": INPUT}]});
        let chat = client.post("/v1/chat/completions", &chat).await;
        assert_eq!((chat.status, chat.text_at("/error/code")), (402, "budget_exceeded"));
        let a2a = send(&client, INPUT, None).await;
        assert_eq!(a2a.text_at("/error/data/0/reason"), "budget_exceeded");
        let streamed = client.events(json!({"input": INPUT})).await;
        assert_eq!(streamed.last().unwrap()["payload"]["code"], "budget_exceeded");
        assert_eq!(world.agent("support").calls().len(), 1, "the agent heard the first alone");
    })
    .await;
}
