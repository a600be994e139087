use chassis::clock;
use serde_json::{Value, json};

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn an_unsure_mesh_asks_and_the_answer_routes() {
    let setting = async || Setting::shop().await.with("CLASSIFIER_AMBIGUITY_MARGIN", "1");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let asked = client.say("I need help with my order").await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert_eq!(asked.body["type"], "clarification", "{}", asked.text);
        assert_eq!(asked.body["action"], "clarification");
        assert_eq!(asked.body["attempt"], 1);
        assert!(asked.text_at("/clarification_question").ends_with('?'), "{}", asked.text);
        assert_eq!(asked.body["suggested_agent"], "support");
        assert!(asked.body.get("agent_id").is_none() && asked.body.get("response").is_none());
        let answer = client.say("the support desk please").await;
        assert_eq!(answer.body["agent_id"], "support", "{}", answer.text);
        assert_eq!(answer.body["routing"]["reason"], "Clarification answered");
        let calls = world.agent("support").calls();
        assert_eq!(
            calls[0].arguments["raw_input"],
            "I need help with my order. Specifically: the support desk please"
        );
    })
    .await;
}

#[tokio::test]
async fn two_vague_answers_end_at_the_default_agent() {
    let setting = async || Setting::shop().await.with("CLASSIFIER_AMBIGUITY_MARGIN", "1");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        assert_eq!(client.say("I need help with my order").await.body["attempt"], 1);
        let second = client.say("I need help with my order").await;
        assert_eq!(second.body["attempt"], 2, "{}", second.text);
        let last = client.say("I need help with my order").await;
        assert_eq!(last.body["agent_id"], "hello", "{}", last.text);
        assert_eq!(last.body["routing"]["action"], "fallback");
    })
    .await;
}

/// A shop that is never sure of an order.
async fn unsure() -> Setting {
    let lines = "confidence_threshold: 1\nclarification_context: an order that you have placed\n";
    Setting::shop().await.define("support", lines).with("CLASSIFIER_AMBIGUITY_MARGIN", "0")
}

#[tokio::test]
async fn a_low_confidence_leads_to_a_question_that_names_the_context() {
    on_both(unsure, async |world| {
        let client = world.client("user-1");
        let asked = client.say("I need help with my order").await;
        let names: Vec<_> = asked.body.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "type",
            "action",
            "request_id",
            "session_id",
            "session_new",
            "clarification_question",
            "suggested_agent",
            "candidate_agents",
            "routing",
            "reason",
            "attempt",
            "duration_ms",
        ];
        expected.sort_unstable();
        assert_eq!(names, expected, "{}", asked.text);
        assert_eq!(asked.body["type"], "clarification");
        assert_eq!(asked.body["candidate_agents"], json!(["support"]));
        let reason = "Below threshold 1, clarification required";
        assert_eq!(asked.body["routing"], json!({"action": "clarify", "reason": reason}));
        assert_eq!(asked.body["reason"], reason);
        let question = asked.text_at("/clarification_question");
        assert!(question.contains("an order that you have placed"), "{question}");
        assert!(question.ends_with('?') && question.chars().count() <= 200, "{question}");
        assert!(world.agent("support").calls().is_empty(), "nobody is called to ask");
        let session = client.session(&asked).await;
        assert_eq!(session["turns"][1]["agent_id"], "mesh", "{session}");
        assert_eq!(session["turns"][1]["content"], question);
        assert_eq!(session["pending_clarification"]["candidates"], json!(["support"]), "{session}");
        assert_eq!(session["active_agent"], Value::Null);
        assert_eq!(
            client.get("/api/v1/budgets/user/user-1").await.body["account"]["spent_usd"].as_f64(),
            Some(0.0)
        );
        let record = client.explain(&asked).await;
        assert_eq!(
            (&record["outcome"], &record["gate"]["decision"]["rule"]),
            (&json!("clarification"), &json!(5))
        );
        let answer = client.say("1").await;
        assert_eq!(answer.body["agent_id"], "support", "an option number: {}", answer.text);
        assert_eq!(
            answer.body["routing"],
            json!({"action": "route", "reason": "Clarification answered"})
        );
        assert_eq!(answer.body["classification"]["confidence"], 1.0);
        let call = &world.agent("support").calls()[0];
        assert_eq!(call.arguments["raw_input"], "I need help with my order. Specifically: 1");
        let session = client.session(&answer).await;
        assert_eq!(session["turns"][2]["content"], "1", "the reply alone is stored");
        assert_eq!(session["pending_clarification"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_question_that_was_left_too_long_is_forgotten() {
    let setting = async || unsure().await.with("CLARIFICATION_TTL_MS", "10");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        assert_eq!(client.say("I need help with my order").await.body["attempt"], 1);
        let asked_ms = clock::now_ms();
        while clock::now_ms() <= asked_ms + 10 {
            tokio::task::yield_now().await;
        }
        let fresh = client.say("How much does the blue bicycle cost?").await;
        assert_eq!(fresh.body["agent_id"], "sales", "{}", fresh.text);
        let call = &world.agent("sales").calls()[0];
        assert_eq!(call.arguments["raw_input"], "How much does the blue bicycle cost?");
    })
    .await;
}

/// A shop with two desks that are equally good at refunds.
async fn two_desks() -> Setting {
    let shop =
        Setting::shop().await.and("returns", "skills: [refunds]\ndomains: [returns]\n").await;
    let shop = shop.and("billing", "skills: [refunds]\ndomains: [invoices]\n").await;
    shop.with("HANDOFF_TOPIC_DETECTION", "false")
}

#[tokio::test]
async fn an_ambiguous_handoff_asks_between_two_agents_and_the_reply_picks_one() {
    on_both(two_desks, async |world| {
        let client = world.client("user-1");
        client.say("How much does the blue bicycle cost?").await;
        world.agent("sales").script([Act::Reply(json!({
            "content": "Others know more.",
            "handoff": {"reason": "wants a refund", "required_skills": ["refunds"]}
        }))]);
        let asked = client.say("I want my money back").await;
        assert_eq!(asked.body["type"], "clarification", "{}", asked.text);
        assert_eq!(asked.body["candidate_agents"], json!(["billing", "returns"]));
        assert_eq!(asked.body["suggested_agent"], "billing", "ties go by id");
        assert_eq!(asked.body["message"], "Others know more.");
        let question = asked.text_at("/clarification_question");
        assert!(question.contains("invoices") && question.contains("returns"), "{question}");
        assert_eq!(client.session(&asked).await["active_agent"], "sales");
        let answer = client.say("The returns desk").await;
        assert_eq!(answer.body["agent_id"], "returns", "{}", answer.text);
        assert_eq!(answer.body["routing"]["reason"], "Clarification answered");
        assert_eq!(answer.body["handoffs"][0]["from_agent"], "sales");
        assert_eq!(answer.body["handoffs"][0]["message"], Value::Null, "sales was not asked again");
        let call = &world.agent("returns").calls()[0];
        assert_eq!(
            call.arguments["raw_input"],
            "I want my money back. Specifically: The returns desk"
        );
        assert_eq!(world.agent("sales").calls().len(), 2);
        assert_eq!(client.say("Thanks").await.body["agent_id"], "returns");
    })
    .await;
}

#[tokio::test]
async fn a_reply_that_picks_nobody_leaves_a_handoff_with_its_source() {
    on_both(two_desks, async |world| {
        let client = world.client("user-1");
        client.say("How much does the blue bicycle cost?").await;
        let reply = json!({"content": "Others know more.", "handoff": {"reason": "x", "required_skills": ["refunds"]}});
        world.agent("sales").script([Act::Reply(reply)]);
        assert_eq!(client.say("I want my money back").await.body["type"], "clarification");
        let answer = client.say("What is the price of a new tyre?").await;
        assert_eq!(answer.body["agent_id"], "sales", "{}", answer.text);
        assert_eq!(answer.body["handoffs"], json!([]));
    })
    .await;
}
