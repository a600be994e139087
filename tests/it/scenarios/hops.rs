use serde_json::json;

use super::transfer::{check_order, kinds, told};
use crate::agent::Act;
use crate::world::{Setting, eventually, on_both};

#[tokio::test]
async fn a_turn_never_goes_back_to_an_agent_that_it_has_left() {
    let setting = async || Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
    on_both(setting, async |world| {
        let to = |target: &str, words: &str| {
            Act::Reply(json!({"content": words, "handoff": {"reason": "not mine", "target_agent": target}}))
        };
        let client = world.client("user-1");
        world.agent("sales").script([to("support", "Support knows.")]);
        world.agent("support").script([to("sales", "Sales knows.")]);
        let frames = client.events(json!({"input": "How much does the blue bicycle cost?"})).await;
        check_order(&frames);
        assert_eq!(
            kinds(&frames),
            ["accepted", "classified", "routed", "budget", "handoff_started", "budget", "handoff_completed", "handoff_rejected", "result"]
        );
        let rejected = told(&frames, "handoff_rejected")[0];
        assert_eq!((&rejected["reason"], &rejected["final"]), (&json!("no_match"), &json!(true)));
        let result = &frames.last().unwrap()["payload"];
        assert_eq!((&result["agent_id"], &result["response"]), (&json!("support"), &json!("Sales knows.")));
        assert_eq!(result["handoffs"].as_array().unwrap().len(), 1);
        assert_eq!(world.agent("sales").calls().len(), 1);
        assert_eq!(client.say("Hm").await.body["agent_id"], "support");
    })
    .await;
}

#[tokio::test]
async fn a_turn_changes_hands_only_so_often() {
    let setting = async || {
        let shop = Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
        shop.with("HANDOFF_MAX_HOPS", "2")
    };
    on_both(setting, async |world| {
        for (from, to) in [("sales", "support"), ("support", "booking"), ("booking", "hello")] {
            let reply = json!({"content": format!("Ask {to}."), "handoff": {"reason": "not mine", "target_agent": to}});
            world.agent(from).script([Act::Reply(reply)]);
        }
        let answer = world.client("user-1").say("How much does the blue bicycle cost?").await;
        assert_eq!(answer.body["agent_id"], "booking", "{}", answer.text);
        assert_eq!(answer.body["response"], "Ask hello.");
        let path: Vec<_> = answer.body["handoffs"].as_array().unwrap().iter().map(|h| &h["to_agent"]).collect();
        assert_eq!(path, ["support", "booking"]);
        let charges: Vec<_> = ["sales", "support", "booking"].map(|id| world.agent(id).calls()[0].charge_id.clone()).into();
        for (hop, charge) in charges.iter().enumerate() {
            assert!(charge.ends_with(&format!("/1/{hop}")), "{charges:?}");
        }
        assert!(world.agent("hello").calls().is_empty());
        assert!(answer.text.contains(r#""cost_usd":0.15,"#), "all three are paid: {}", answer.text);
    })
    .await;
}

#[tokio::test]
async fn of_ten_parallel_handoffs_an_agent_with_three_places_takes_three() {
    const PLACES: usize = 3;
    let setting = async || {
        let shop = Setting::shop()
            .await
            .define("support", &format!("max_concurrent_sessions: {PLACES}\n"));
        let shop = shop.with("HANDOFF_MAX_ALTERNATIVES", "0");
        shop.with("HANDOFF_TOPIC_DETECTION", "false").with_replicas(2)
    };
    on_both(setting, async |world| {
        let clients: Vec<_> = (0..10).map(|n| world.client_at(n, &format!("user-{n}"))).collect();
        for client in &clients {
            client.say("How much does the blue bicycle cost?").await;
        }
        let reply = json!({"content": "Support can.", "handoff": {"reason": "not mine", "target_agent": "support"}});
        world.agent("sales").script(std::iter::repeat_n(Act::Reply(reply), clients.len()));
        let answers = clients.iter().map(|client| client.say("I want my money back"));
        let answers = futures::future::join_all(answers).await;
        let by = |id: &str| answers.iter().filter(|answer| answer.body["agent_id"] == id).count();
        assert_eq!((by("support"), by("sales")), (PLACES, 10 - PLACES), "{answers:?}");
        assert_eq!(world.agent("support").calls().len(), PLACES);
        eventually("the places are counted", async || {
            let view = world.client("user-0").get("/api/v1/agents/support").await;
            let load = view.body["load"].as_u64().unwrap();
            assert!(load <= PLACES as u64, "never more: {}", view.text);
            (load == PLACES as u64).then_some(())
        })
        .await;
    })
    .await;
}
