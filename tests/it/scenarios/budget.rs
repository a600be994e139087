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
    const SESSIONS: usize = 200;
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"org:mesh\", limit_usd: 1.00, period: none}\n";
        Setting::shop().await.with_budgets(budgets).with_replicas(2)
    };
    on_both(setting, async |world| {
        let turns = (0..SESSIONS).map(|user| {
            let client = world.client_at(user, &format!("user-{user}"));
            async move { client.say("I need help with my order").await }
        });
        let answers = futures::future::join_all(turns).await;
        let (paid, denied): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((paid.len(), denied.len()), (20, 180));
        for answer in denied {
            assert_eq!(
                (answer.status, answer.text_at("/code")),
                (402, "budget_exceeded"),
                "{}",
                answer.text
            );
            assert_eq!(answer.text_at("/scope"), "org:mesh");
        }
        assert_eq!(world.agent("support").calls().len(), 20, "the agent hears of nothing else");
        let client = world.client("user-1");
        let account = client.get("/api/v1/budgets/org/mesh").await.body["account"].clone();
        assert_eq!(
            (account["spent_usd"].as_f64(), account["reserved_usd"].as_f64()),
            (Some(1.0), Some(0.0)),
            "{account}"
        );
        assert_eq!(account["state"], "stopped");
        let spend = client.get("/api/v1/spend?group_by=scope&scope_type=org&scope_key=mesh").await;
        let row = &spend.body["rows"][0];
        assert_eq!(
            (row["spent_usd"].as_f64(), &row["calls"]),
            (Some(1.0), &json!(20)),
            "the ledger: {}",
            spend.text
        );
    })
    .await;
}

#[tokio::test]
async fn a_denial_says_all_about_the_scope_that_is_tightest() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"user:*\", limit_usd: 0.07, period: none}\n  \
                       - {scope: \"org:mesh\", limit_usd: 10, period: none}\n";
        Setting::shop().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let paid = client.say("I need help with my order").await;
        assert_eq!(paid.status, 200, "{}", paid.text);
        let headers = ["scope", "limit", "spent", "remaining"]
            .map(|name| paid.header(&format!("x-budget-{name}")));
        assert_eq!(headers, ["user:user-1", "0.07", "0.05", "0.02"]);
        let frames = client.events(json!({"input": "And the other one?"})).await;
        let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["accepted", "routed", "budget", "error"]);
        assert_eq!(frames[2]["payload"]["action"], "hard-stop", "{}", frames[2]);
        let denied = client.say("And the other one?").await;
        assert_eq!(denied.status, 402, "{}", denied.text);
        for (name, value) in [
            ("limit", 0.07),
            ("spent", 0.05),
            ("reserved", 0.0),
            ("remaining", 0.02),
            ("estimate", 0.05),
        ] {
            assert_eq!(
                denied.body[format!("{name}_usd")].as_f64(),
                Some(value),
                "{name}: {}",
                denied.text
            );
        }
        assert_eq!(denied.text_at("/scope"), "user:user-1");
        let mut told = frames[3]["payload"].clone();
        told["request_id"] = denied.body["request_id"].clone();
        assert_eq!(told, denied.body, "the same on every surface");
        let record = client.explain(&denied).await;
        assert_eq!(record["outcome"], "budget_exceeded", "{record}");
        assert_eq!(record["dispatches"][0]["budget_action"], "hard-stop");
        assert_eq!(record["dispatches"][0]["tightest"]["scope"], "user:user-1");
    })
    .await;
}

#[tokio::test]
async fn a_reset_lets_requests_pass_and_leaves_the_old_ledger() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"user:*\", limit_usd: 0.05, period: none}\n";
        Setting::shop().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        assert_eq!(client.say("I need help with my order").await.status, 200);
        assert_eq!(client.say("And the other one?").await.status, 402);
        let before =
            client.get("/api/v1/budgets/user/user-1").await.body["account"]["period_id"].clone();
        let reset = client.post("/api/v1/budgets/user/user-1/reset", &json!({})).await;
        assert_eq!(
            (reset.status, &reset.body["previous_spent_usd"]),
            (200, &json!(0.05)),
            "{}",
            reset.text
        );
        assert_ne!(reset.body["period_id"], before);
        assert_eq!(client.say("And the other one?").await.status, 200, "it passes again");
        assert_eq!(client.say("And the third?").await.status, 402, "once");
        let account = client.get("/api/v1/budgets/user/user-1").await.body["account"].clone();
        assert_eq!(
            (&account["spent_usd"], &account["period_id"]),
            (&json!(0.05), &reset.body["period_id"])
        );
        let spend = client.get("/api/v1/spend?group_by=user").await;
        let row = &spend.body["rows"][0];
        assert_eq!((&row["spent_usd"], &row["calls"]), (&json!(0.1), &json!(2)), "{}", spend.text);
        let unknown = client.post("/api/v1/budgets/task/none/reset", &json!({})).await;
        assert_eq!(
            (unknown.status, unknown.text_at("/code")),
            (404, "budget_not_found"),
            "{}",
            unknown.text
        );
    })
    .await;
}
