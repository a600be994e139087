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
            let forced = client.post(&path, &serde_json::json!({"action": "force_open"})).await;
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
            client.post(&path, &serde_json::json!({"action": "reset"})).await;
        }
        assert_eq!(client.say("I need help with my order").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_is_down_hangs_or_talks_nonsense_is_an_error_and_costs_what_it_must() {
    let setting = async || Setting::shop().await.with("MCP_REQUEST_TIMEOUT_MS", "300");
    on_both(setting, async |world| {
        world.agent("support").script([Act::Hang]);
        let late = world.client("user-1").say("I need help with my order").await;
        assert_eq!((late.status, late.text_at("/code")), (504, "agent_timeout"), "{}", late.text);
        assert_eq!(world.agent("support").calls().len(), 1, "what may have run is not repeated");
        world.agent("support").script([Act::Reply(serde_json::json!({"content": 7}))]);
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
