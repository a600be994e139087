use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn a_denied_budget_is_402_and_the_agent_hears_nothing() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"user:*\", limit_usd: 0.10, period: none}\n";
        Setting::shop().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        for _ in 0..2 {
            assert_eq!(client.say("I need help with my order").await.status, 200);
        }
        let denied = client.say("I need help with my order").await;
        assert_eq!(
            (denied.status, denied.text_at("/code")),
            (402, "budget_exceeded"),
            "{}",
            denied.text
        );
        assert_eq!(denied.text_at("/error"), "Budget exceeded");
        assert_eq!(denied.text_at("/scope"), "user:user-1");
        assert!(denied.text.contains(r#""limit_usd":0.1"#), "{}", denied.text);
        assert!(denied.text.contains(r#""spent_usd":0.1"#), "{}", denied.text);
        assert_eq!(world.agent("support").calls().len(), 2, "the agent records no third call");
        assert_eq!(world.client("user-2").say("I need help with my order").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_budget_of_the_house_stops_a_user_who_has_money_left() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"org:mesh\", limit_usd: 0.05, period: none}\n  \
                       - {scope: \"user:*\", limit_usd: 10, period: none}\n";
        Setting::shop().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        assert_eq!(world.client("user-1").say("I need help with my order").await.status, 200);
        let denied = world.client("user-2").say("I need help with my order").await;
        assert_eq!(denied.status, 402, "{}", denied.text);
        assert_eq!(denied.text_at("/scope"), "org:mesh");
    })
    .await;
}

#[tokio::test]
async fn what_an_agent_reports_is_charged_to_the_cent_and_beyond_the_hold() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Reply(
            json!({"content": "That took a while.", "usage": {"cost_usd": 1.234_567}}),
        )]);
        let client = world.client("user-1");
        let answer = client.say("I need help with my order").await;
        assert!(answer.text.contains(r#""cost_usd":1.234567,"#), "{}", answer.text);
        assert_eq!(answer.header("x-budget-remaining"), "8.765433");
        let budget = client.get("/api/v1/budgets/user/user-1").await;
        assert!(budget.text.contains(r#""spent_usd":1.234567"#), "{}", budget.text);
        assert!(
            budget.text.contains(r#""reserved_usd":0"#),
            "nothing is held any more: {}",
            budget.text
        );
    })
    .await;
}

#[tokio::test]
async fn parallel_turns_never_spend_more_than_the_cap() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"org:mesh\", limit_usd: 0.50, period: none}\n";
        Setting::shop().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        let turns = (0..40).map(|user| {
            let client = world.client(&format!("user-{user}"));
            async move { client.say("I need help with my order").await.status }
        });
        let statuses = futures::future::join_all(turns).await;
        let count = |status| statuses.iter().filter(|given| **given == status).count();
        assert_eq!((count(200), count(402)), (10, 30), "{statuses:?}");
        assert_eq!(world.agent("support").calls().len(), 10);
    })
    .await;
}
