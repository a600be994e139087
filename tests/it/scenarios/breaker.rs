use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

fn failures(count: usize) -> impl Iterator<Item = Act> {
    std::iter::repeat_n(Act::Fail("the stock system is down".to_owned()), count)
}

#[tokio::test]
async fn five_failures_open_the_breaker_and_the_default_agent_answers() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script(failures(5));
        for user in 0..5 {
            let failed =
                world.client(&format!("user-{user}")).say("I need help with my order").await;
            assert_eq!(
                (failed.status, failed.text_at("/code")),
                (502, "agent_error"),
                "{}",
                failed.text
            );
            assert!(!failed.text.contains("stock system"), "the text of a tool error is not shown");
        }
        let breakers = world.client("user-9").get("/api/v1/breakers").await;
        let support = breakers.body["breakers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["agent_id"] == "support");
        assert_eq!(support.unwrap()["state"], "open", "{}", breakers.text);
        let answer = world.client("user-9").say("I need help with my order").await;
        assert_eq!(answer.body["agent_id"], "hello", "{}", answer.text);
        assert_eq!(answer.body["routing"]["action"], "fallback");
        assert_eq!(
            answer.body["routing"]["reason"],
            "Circuit open for agent 'support', falling back to default"
        );
        assert_eq!(world.agent("support").calls().len(), 5, "an open breaker lets nothing through");
    })
    .await;
}

#[tokio::test]
async fn with_the_default_agent_open_too_the_caller_is_told_when_to_come_back() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        for agent in ["support", "hello"] {
            let path = format!("/api/v1/breakers/{agent}");
            let forced = client.post(&path, &json!({"action": "force_open"})).await;
            assert_eq!(forced.status, 200, "{}", forced.text);
        }
        let refused = client.say("I need help with my order").await;
        assert_eq!(
            (refused.status, refused.text_at("/code")),
            (503, "circuit_open"),
            "{}",
            refused.text
        );
        assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
        for agent in ["support", "hello"] {
            let path = format!("/api/v1/breakers/{agent}");
            client.post(&path, &json!({"action": "reset"})).await;
        }
        assert_eq!(client.say("I need help with my order").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_is_down_hangs_or_talks_nonsense_is_an_error_and_costs_what_it_must() {
    let setting = async || Setting::shop().await.with("MCP_REQUEST_TIMEOUT_MS", "1000");
    on_both(setting, async |world| {
        world.agent("support").script([Act::Hang]);
        let late = world.client("user-1").say("I need help with my order").await;
        assert_eq!((late.status, late.text_at("/code")), (504, "agent_timeout"), "{}", late.text);
        assert_eq!(world.agent("support").calls().len(), 1, "what may have run is not repeated");
        world.agent("support").script([Act::Reply(json!({"content": 7}))]);
        let odd = world.client("user-2").say("I need help with my order").await;
        assert_eq!(
            (odd.status, odd.text_at("/code")),
            (502, "agent_invalid_response"),
            "{}",
            odd.text
        );
        world.agent("support").script([Act::Text("42".to_owned())]);
        let plain = world.client("user-3").say("I need help with my order").await;
        assert_eq!((plain.status, plain.text_at("/response")), (200, "42"));
        world.agent("booking").end();
        let gone = world.client("user-4").say("I want to book an appointment tomorrow").await;
        assert_eq!(
            (gone.status, gone.text_at("/code")),
            (502, "agent_unreachable"),
            "{}",
            gone.text
        );
        let spent = world.client("user-4").get("/api/v1/budgets/user/user-4").await;
        assert!(
            spent.text.contains(r#""spent_usd":0,"#),
            "what never ran costs nothing: {}",
            spent.text
        );
        let spent = world.client("user-1").get("/api/v1/budgets/user/user-1").await;
        assert!(
            spent.text.contains(r#""spent_usd":0.05,"#),
            "what may have run is charged: {}",
            spent.text
        );
    })
    .await;
}

#[tokio::test]
async fn of_many_calls_at_half_open_three_reach_the_agent() {
    const CALLS: usize = 300;
    const PROBES: usize = 3;
    let setting = async || {
        let shop = Setting::shop().await.with_replicas(2).with("ENABLE_FAILOVER", "false");
        shop.with("CIRCUIT_BREAKER_RESET_TIMEOUT_MS", "10")
    };
    on_both(setting, async |world| {
        let support = world.agent("support");
        support.script(failures(5));
        for user in 0..5 {
            world.client(&format!("early-{user}")).say("I need help with my order").await;
        }
        let held = json!({"content": "Back again."});
        support.script(std::iter::repeat_n(Act::Hold(held), CALLS));
        let clients = [world.client_at(0, "probe"), world.client_at(1, "probe")];
        let mut calls: FuturesUnordered<_> = (0..CALLS)
            .map(|n| clients[n % 2].acting_for(&format!("user-{n}")))
            .map(|client| async move { client.say("I need help with my order").await })
            .collect();
        for _ in PROBES..CALLS {
            let refused = calls.next().await.unwrap();
            assert_eq!(
                (refused.status, refused.text_at("/code")),
                (503, "circuit_open"),
                "{}",
                refused.text
            );
            assert!(1 <= refused.header("retry-after").parse::<u32>().unwrap());
        }
        assert_eq!(support.calls().len(), 5 + PROBES, "the agent sees exactly {PROBES}");
        for _ in 0..PROBES {
            support.release();
        }
        while let Some(answered) = calls.next().await {
            assert_eq!((answered.status, answered.text_at("/response")), (200, "Back again."));
        }
        let view = world.client("probe").get("/api/v1/agents/support").await;
        assert_eq!(view.body["breaker_state"], "closed", "{}", view.text);
    })
    .await;
}

#[tokio::test]
async fn a_tool_error_is_a_failure_whose_text_nobody_sees() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script(failures(2));
        let client = world.client("user-1");
        let failed = client.say("I need help with my order").await;
        assert_eq!(failed.status, 502, "{}", failed.text);
        assert_eq!(
            (failed.text_at("/error"), failed.text_at("/code")),
            ("Agent error", "agent_error")
        );
        assert!(!failed.text_at("/message").is_empty());
        let record = client.explain(&failed).await;
        assert_eq!(
            (&record["outcome"], &record["dispatches"][0]["outcome"]),
            (&json!("agent_error"), &json!("agent_error"))
        );
        let frames = client.events(json!({"input": "I need help with my order"})).await;
        assert_eq!(frames.last().unwrap()["payload"]["code"], "agent_error");
        let told = [failed.text, record.to_string(), serde_json::to_string(&frames).unwrap()];
        assert!(told.iter().all(|text| !text.contains("stock system")), "{told:?}");
        let breakers = client.get("/api/v1/breakers").await;
        let list = breakers.body["breakers"].as_array().unwrap();
        let support = list.iter().find(|breaker| breaker["agent_id"] == "support").unwrap();
        assert_eq!(
            (&support["state"], &support["failure_count"]),
            (&json!("closed"), &json!(2)),
            "{}",
            breakers.text
        );
        assert_eq!(client.session(&client.say("Again").await).await["active_agent"], "hello");
    })
    .await;
}

#[tokio::test]
async fn with_a_window_the_share_of_failures_opens_it() {
    let setting = async || {
        let shop = Setting::shop().await.with("CIRCUIT_BREAKER_MODE", "window");
        let shop = shop.with("CIRCUIT_BREAKER_MIN_CALLS", "6");
        shop.with("CIRCUIT_BREAKER_FAILURE_RATE", "0.5")
    };
    on_both(setting, async |world| {
        let fail = || Act::Fail("the stock system is down".to_owned());
        let fine = || Act::Reply(json!({"content": "Fine.", "workflow_complete": false}));
        let acts = [fail(), fail(), fine(), fine(), fine(), fail()];
        world.agent("support").script(acts);
        let state = async || {
            let view = world.client("user-9").get("/api/v1/agents/support").await;
            view.text_at("/breaker_state").to_owned()
        };
        for user in 0..6 {
            assert_eq!(state().await, "closed", "after {user} calls");
            world.client(&format!("user-{user}")).say("I need help with my order").await;
        }
        assert_eq!(state().await, "open", "three of six have failed, if not in a row");
        let answer = world.client("user-8").say("I need help with my order").await;
        assert_eq!(answer.body["agent_id"], "hello", "{}", answer.text);
        assert_eq!(world.agent("support").calls().len(), 6);
    })
    .await;
}
