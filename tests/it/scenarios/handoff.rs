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
