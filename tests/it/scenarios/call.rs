use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn what_may_have_run_is_called_once_and_ends_with_504() {
    let setting = async || Setting::shop().await.define("support", "timeout_ms: 1000\n");
    on_both(setting, async |world| {
        world.agent("support").script([Act::Hang]);
        let client = world.client("user-1");
        let late = client.say("I need help with my order").await;
        assert_eq!((late.status, late.text_at("/code")), (504, "agent_timeout"), "{}", late.text);
        assert_eq!(late.text_at("/error"), "Timeout");
        assert_eq!(world.agent("support").calls().len(), 1);
        world.agent("support").script([Act::Break]);
        let lost = client.say("I need help with my order").await;
        assert_eq!(
            (lost.status, lost.text_at("/code")),
            (502, "agent_unreachable"),
            "{}",
            lost.text
        );
        assert_eq!(
            world.agent("support").knocks().len(),
            1,
            "a lost answer is not asked for again"
        );
        assert_eq!(
            client.say("I need help with my order").await.status,
            200,
            "its connection is not used again"
        );
        let account = client.get("/api/v1/budgets/user/user-1").await;
        assert!(
            account.text.contains(r#""spent_usd":0.15,"#),
            "all may have been billed: {}",
            account.text
        );
    })
    .await;
}

#[tokio::test]
async fn a_call_that_was_turned_away_twice_comes_again_under_the_same_key() {
    on_both(Setting::shop, async |world| {
        let (client, support) = (world.client("user-1"), world.agent("support"));
        support.script([Act::TurnAway, Act::TurnAway]);
        let answer = client.say("I need help with my order").await;
        assert_eq!(
            (answer.status, answer.text_at("/response")),
            (200, "support here."),
            "{}",
            answer.text
        );
        let calls = support.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(support.knocks(), [calls[0].charge_id.as_str(), calls[0].charge_id.as_str()]);
        assert_eq!(client.explain(&answer).await["dispatches"][0]["attempts"], 3);
        assert_eq!(answer.body["usage"]["cost_usd"], 0.05, "it is paid once");
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_comes_up_while_it_is_called_is_reached() {
    let setting = async || Setting::shop().await.late("support").with("MCP_MAX_RETRIES", "5");
    on_both(setting, async |world| {
        let mut socket = world.client("user-1").socket("").await;
        socket.next().await;
        socket.send(json!({"type": "message", "input": "I need help with my order"})).await;
        socket.until("budget").await;
        world.agent("support").open();
        let frames = socket.until("result").await;
        assert_eq!(frames.last().unwrap()["payload"]["response"], "support here.");
        assert_eq!(world.agent("support").calls().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_keeps_refusing_costs_nothing() {
    let setting = async || Setting::shop().await.with("MCP_MAX_RETRIES", "1");
    on_both(setting, async |world| {
        world.agent("support").end();
        let client = world.client("user-1");
        let refused = client.say("I need help with my order").await;
        assert_eq!(
            (refused.status, refused.text_at("/code")),
            (502, "agent_unreachable"),
            "{}",
            refused.text
        );
        let dispatched = client.explain(&refused).await["dispatches"][0].clone();
        assert_eq!(dispatched["outcome"], "agent_unreachable");
        assert_eq!(dispatched["attempts"], 2, "the first, and the one retry");
        let account = client.get("/api/v1/budgets/user/user-1").await.body["account"].clone();
        assert_eq!(
            (account["spent_usd"].as_f64(), account["reserved_usd"].as_f64()),
            (Some(0.0), Some(0.0))
        );
    })
    .await;
}
