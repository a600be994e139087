use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn a_reply_that_asks_for_a_handoff_is_followed_by_the_receivers_answer_in_the_same_turn() {
    let setting = async || Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        client.say("How much does the blue bicycle cost?").await;
        world.agent("sales").script([Act::Reply(json!({
            "content": "Let me pass you to support.",
            "handoff": {"reason": "wants a refund", "target_agent": "support", "summary": "Asks for a refund of order 77."}
        }))]);
        let words = "Actually I want a refund for order 77";
        let answer = client.say(words).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["agent_id"], "support", "{}", answer.text);
        assert_eq!(answer.body["response"], "support here.");
        let handoff = &answer.body["handoffs"][0];
        assert_eq!(handoff["from_agent"], "sales");
        assert_eq!(handoff["to_agent"], "support");
        assert_eq!(handoff["trigger"], "specialist_required");
        assert_eq!(handoff["message"], "Let me pass you to support.");
        let calls = world.agent("support").calls();
        let brief = &calls[0].arguments["handoff"];
        assert_eq!(brief["from_agent"], "sales");
        assert_eq!(brief["reason"], "wants a refund");
        let recent = brief["recent_messages"].as_array().unwrap();
        let texts: Vec<_> = recent.iter().map(|message| message["content"].as_str().unwrap()).collect();
        assert!(texts.contains(&words), "the customer's words travel as they are: {texts:?}");
        assert_eq!(calls[0].arguments["raw_input"], words);
        let next = client.say("Thanks, how long does it take?").await;
        assert_eq!(next.body["agent_id"], "support", "the receiver stays: {}", next.text);
    })
    .await;
}

#[tokio::test]
async fn a_handoff_that_nobody_takes_leaves_the_answer_with_its_source() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        world.agent("sales").script([Act::Reply(json!({
            "content": "I cannot do that, but here is the price.",
            "handoff": {"reason": "no such desk", "target_agent": "warehouse"}
        }))]);
        let answer = client.say("How much does the blue bicycle cost?").await;
        assert_eq!(answer.body["agent_id"], "sales", "{}", answer.text);
        assert_eq!(answer.body["response"], "I cannot do that, but here is the price.");
        assert_eq!(answer.body["handoffs"], json!([]));
        assert_eq!(client.say("And the red one?").await.body["agent_id"], "sales");
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_asks_for_a_person_is_handed_to_an_agent_with_that_skill() {
    let setting = async || {
        let shop = Setting::shop().await;
        shop.and("desk-lead", "skills: [escalation, supervisor]\ndomains: [escalation, support]\n")
            .await
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        client.say("I need help with my order").await;
        let answer = client.say("No. Let me speak to a manager").await;
        assert_eq!(answer.body["agent_id"], "desk-lead", "{}", answer.text);
        assert_eq!(answer.body["handoffs"][0]["trigger"], "escalation_requested");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_topic_is_a_handoff_and_never_a_silent_re_route() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        client.say("How much does the blue bicycle cost?").await;
        let answer = client.say("Where is my parcel? I need help with my order").await;
        assert_eq!(answer.body["agent_id"], "support", "{}", answer.text);
        assert_eq!(answer.body["handoffs"][0]["trigger"], "topic_boundary_crossed");
        assert_eq!(answer.body["handoffs"][0]["from_agent"], "sales");
        let calls = world.agent("support").calls();
        assert_eq!(calls[0].arguments["handoff"]["from_agent"], "sales");
    })
    .await;
}

#[tokio::test]
async fn the_last_three_messages_travel_byte_for_byte_when_the_rest_is_compressed() {
    const SPOKEN: &str = "  Zwei\tTabs, \u{1f6b2} und ein Cafe\u{301} am Ende \n";
    let setting = async || {
        let shop = Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
        shop.with("HANDOFF_MAX_TOKENS", "60")
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let long = "I ordered ORD-48213 for 149.90 EUR on March 12. ".repeat(20);
        client.say("How much does the blue bicycle cost?").await;
        world.agent("sales").script([
            Act::Reply(json!({"content": "One  moment,\tplease… "})),
            Act::Reply(json!({
                "content": " Let me pass you on.\n",
                "handoff": {"reason": "wants a refund", "target_agent": "support", "summary": "Wants money back."}
            })),
        ]);
        client.say(&long).await;
        let answer = client.say(SPOKEN).await;
        assert_eq!(answer.body["agent_id"], "support", "{}", answer.text);
        assert_eq!(answer.text_at("/handoffs/0/message"), " Let me pass you on.\n");
        let arguments = world.agent("support").calls()[0].arguments.clone();
        let brief = &arguments["handoff"];
        let names: Vec<_> = brief.as_object().unwrap().keys().map(String::as_str).collect();
        for name in ["handoff_id", "from_agent", "reason", "summary", "key_facts", "entities", "open_items", "recent_messages"] {
            assert!(names.contains(&name), "{name} is missing from {names:?}");
        }
        let recent = brief["recent_messages"].as_array().unwrap();
        let recent: Vec<_> = recent.iter().map(|said| (said["role"].as_str().unwrap(), said["content"].as_str().unwrap())).collect();
        assert_eq!(
            recent,
            [("agent", "One  moment,\tplease… "), ("user", SPOKEN), ("agent", " Let me pass you on.\n")]
        );
        assert!(brief["summary"].as_str().unwrap().starts_with("Wants money back."), "{brief}");
        assert_eq!(arguments["raw_input"], SPOKEN);
        assert_eq!(arguments["turn_history"], json!([]), "the brief stands for what came before");
        assert_eq!(arguments["workflow_state"], json!({}), "its own, not the source's");
        let next = client.say("Thanks").await;
        assert_eq!(next.body["agent_id"], "support", "{}", next.text);
        assert_eq!(next.body["handoffs"], json!([]), "it happened in an earlier turn");
        let arguments = &world.agent("support").calls()[1].arguments;
        assert_eq!(arguments["handoff"], *brief, "as long as the receiver stays");
        let history = arguments["turn_history"].as_array().unwrap();
        assert_eq!(history.len(), 1, "only what came since: {history:?}");
        assert_eq!(history[0]["content"], "support here.");
    })
    .await;
}

#[tokio::test]
async fn a_handoff_is_told_in_order_and_its_switch_before_the_result() {
    let setting = async || Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        world.agent("sales").script([Act::Reply(json!({
            "content": "Let me pass you on.",
            "handoff": {"reason": "wants a refund", "target_agent": "support"}
        }))]);
        let frames = client.events(json!({"input": "How much does the blue bicycle cost?"})).await;
        let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "accepted",
                "classified",
                "routed",
                "budget",
                "handoff_started",
                "budget",
                "handoff_completed",
                "result"
            ]
        );
        let payload = |at: usize| &frames[at]["payload"];
        assert_eq!((&payload(3)["hop"], &payload(5)["hop"]), (&json!(0), &json!(1)));
        for at in [4, 6] {
            let event = payload(at);
            assert_eq!(
                (&event["from_agent"], &event["to_agent"]),
                (&json!("sales"), &json!("support"))
            );
            assert_eq!(
                (&event["trigger"], &event["hop"]),
                (&json!("specialist_required"), &json!(1))
            );
            assert_eq!(event["handoff_id"], payload(7)["handoffs"][0]["handoff_id"]);
        }
        assert!(payload(4).get("duration_ms").is_none() && payload(6)["duration_ms"].is_u64());
        let id = payload(4)["handoff_id"].as_str().unwrap();
        let parts: Vec<_> = id.split('-').collect();
        assert!(
            parts[0] == "handoff" && parts[1].parse::<u64>().is_ok() && parts[2].len() == 8,
            "{id}"
        );
        assert_eq!(payload(7)["usage"]["cost_usd"], 0.1, "both calls");
    })
    .await;
}

#[tokio::test]
async fn words_that_only_sound_like_a_call_for_a_person_change_nothing() {
    let setting = async || {
        let lead = "skills: [escalation, supervisor]\ndomains: [escalation, support]\n";
        Setting::shop().await.and("desk-lead", lead).await.with("HANDOFF_TOPIC_DETECTION", "false")
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        client.say("I need help with my order").await;
        let calm = client.say("We have de-escalated it, your manager is nice to speak to").await;
        assert_eq!(calm.body["agent_id"], "support", "{}", calm.text);
        let heard = client.say("TALK to a Human (support?) Agent!").await;
        assert_eq!(heard.body["agent_id"], "desk-lead", "{}", heard.text);
        let stays = client.say("Escalate this!").await;
        assert_eq!(stays.body["agent_id"], "desk-lead", "who can decide does not pass on");
        assert_eq!(stays.body["handoffs"], json!([]));
    })
    .await;
}
