use serde_json::{Value, json};

use crate::agent::{Act, Offer};
use crate::client::Client;
use crate::world::{Setting, World, eventually, on_both};

const BOTH: &str = "skills: [refunds, billing]\ndomains: [refunds, billing]\n";
const ONE: &str = "skills: [refunds]\ndomains: [refunds]\n";

/// A shop with two agents for refunds, the first of which knows more.
async fn refunds() -> Setting {
    let shop = Setting::shop().await.and("first", BOTH).await.and("second", ONE).await;
    shop.with("HANDOFF_TOPIC_DETECTION", "false")
}

/// Limits that a hanging agent exceeds soon, and one that answers hardly ever.
async fn impatient() -> Setting {
    let shop = refunds().await.with("HANDOFF_OFFER_TIMEOUT_MS", "2000");
    shop.with("MCP_REQUEST_TIMEOUT_MS", "4000")
}

fn passes_on() -> Act {
    Act::Reply(json!({
        "content": "Let me see who can help.",
        "handoff": {"reason": "wants a refund", "required_skills": ["refunds", "billing"]}
    }))
}

/// The kinds of events, in order.
pub(super) fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

/// All events of one kind.
pub(super) fn told<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["type"] == kind).map(|frame| &frame["payload"]).collect()
}

/// Each event has its place, the first is that of the acceptance, and one end is the last.
pub(super) fn check_order(frames: &[Value]) {
    for (seq, frame) in frames.iter().enumerate() {
        assert_eq!(frame["seq"], seq, "{frame}");
    }
    assert_eq!(frames[0]["type"], "accepted");
    let is_end = |frame: &Value| frame["type"] == "result" || frame["type"] == "error";
    assert_eq!(frames.iter().filter(|frame| is_end(frame)).count(), 1);
    assert!(is_end(frames.last().unwrap()));
}

/// A session with sales, and the events of the turn in which sales passes it on.
async fn pass_on(world: &World, client: &Client) -> Vec<Value> {
    assert_eq!(client.say("How much does the blue bicycle cost?").await.body["agent_id"], "sales");
    world.agent("sales").script([passes_on()]);
    let frames = client.events(json!({"input": "I want my money back"})).await;
    check_order(&frames);
    frames
}

#[tokio::test]
async fn an_alternative_answers_when_the_first_choice_does_not_take_over() {
    let cases = [
        (Some(Offer::Refuse("overloaded")), None, "overloaded"),
        (Some(Offer::Refuse("capability_mismatch")), None, "capability_mismatch"),
        (Some(Offer::Babble), None, "unknown"),
        (Some(Offer::Accept), Some(Act::Fail("broken".to_owned())), "unknown"),
        (Some(Offer::Accept), Some(Act::Break), "unavailable"),
    ];
    second_answers(refunds, &cases).await;
}

#[tokio::test]
async fn an_alternative_answers_when_the_first_choice_hangs() {
    let cases =
        [(Some(Offer::Hang), None, "timeout"), (Some(Offer::Accept), Some(Act::Hang), "timeout")];
    second_answers(impatient, &cases).await;
}

/// What the first choice says to the offer, what it does with the call, and what becomes known of that.
type Case = (Option<Offer>, Option<Act>, &'static str);

async fn second_answers(setting: impl AsyncFn() -> Setting, cases: &[Case]) {
    on_both(setting, async |world| {
        let first = world.agent("first");
        for (case, (offer, act, class)) in cases.iter().cloned().enumerate() {
            first.offers(offer);
            first.script(act);
            let client = world.client(&format!("user-{case}"));
            let frames = pass_on(world, &client).await;
            let rejected = told(&frames, "handoff_rejected");
            assert_eq!(rejected.len(), 1, "case {case}: {frames:?}");
            assert_eq!(
                (&rejected[0]["agent_id"], &rejected[0]["class"], &rejected[0]["final"]),
                (&json!("first"), &json!(class), &json!(false)),
                "case {case}"
            );
            let result = &frames.last().unwrap()["payload"];
            assert_eq!(result["agent_id"], "second", "case {case}: {result}");
            assert_eq!(result["handoffs"].as_array().unwrap().len(), 1, "case {case}: {result}");
            assert_eq!(result["handoffs"][0]["to_agent"], "second");
            assert_eq!(result["handoffs"][0]["message"], "Let me see who can help.");
            let next = client.say("Thank you").await;
            assert_eq!(next.body["agent_id"], "second", "case {case}: {}", next.text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_alternative_answers_when_the_first_choice_is_down() {
    let setting = async || refunds().await.with("HANDOFF_OFFER_TIMEOUT_MS", "10000");
    on_both(setting, async |world| {
        world.agent("first").end();
        let frames = pass_on(world, &world.client("user-1")).await;
        let rejected = told(&frames, "handoff_rejected");
        assert_eq!(rejected.len(), 1, "{frames:?}");
        assert_eq!(rejected[0]["class"], "unavailable");
        assert_eq!(frames.last().unwrap()["payload"]["agent_id"], "second");
    })
    .await;
}

#[tokio::test]
async fn an_alternative_answers_when_nobody_pays_for_the_first_choice() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"agent:first\", limit_usd: 0.01, period: none}\n";
        refunds().await.with_budgets(budgets)
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let frames = pass_on(world, &client).await;
        let rejected = told(&frames, "handoff_rejected");
        assert_eq!(rejected.len(), 1, "{frames:?}");
        let shown = (&rejected[0]["agent_id"], &rejected[0]["class"], &rejected[0]["final"]);
        assert_eq!(shown, (&json!("first"), &json!("unavailable"), &json!(false)));
        assert_eq!(frames.last().unwrap()["payload"]["agent_id"], "second");
        assert!(world.agent("first").calls().is_empty(), "it hears nothing");
        eventually("its place is free", async || {
            (client.get("/api/v1/agents/first").await.body["load"] == 0).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn when_all_refuse_the_source_goes_on_as_if_nothing_had_been_asked() {
    let setting = async || refunds().await.with("HANDOFF_MAX_ALTERNATIVES", "1");
    on_both(setting, async |world| {
        world.agent("first").offers([Offer::Refuse("overloaded")]);
        world.agent("second").offers([Offer::Accept]);
        world.agent("second").script([Act::Fail("broken".to_owned())]);
        let client = world.client("user-1");
        let frames = pass_on(world, &client).await;
        let rejected = told(&frames, "handoff_rejected");
        let said: Vec<_> =
            rejected.iter().map(|event| (&event["agent_id"], &event["final"])).collect();
        assert_eq!(
            said,
            [
                (&json!("first"), &json!(false)),
                (&json!("second"), &json!(false)),
                (&Value::Null, &json!(true))
            ]
        );
        assert_eq!(rejected[2]["reason"], "all_rejected", "{frames:?}");
        let result = &frames.last().unwrap()["payload"];
        assert_eq!(
            (&result["agent_id"], &result["response"]),
            (&json!("sales"), &json!("Let me see who can help."))
        );
        assert_eq!(result["handoffs"], json!([]));
        assert_eq!(result["routing"]["reason"], "Active session bypass");
        let next = client.say("And the red one?").await;
        assert_eq!(next.body["agent_id"], "sales", "{}", next.text);
        let session = client.session(&next).await;
        assert_eq!(session["active_agent"], "sales");
        assert_eq!(session["turn_count"], 6, "what failed left no entry: {session}");
        for agent in ["first", "second"] {
            let path = format!("/api/v1/agents/{agent}");
            eventually("no slot is kept", async || {
                (client.get(&path).await.body["load"] == 0).then_some(())
            })
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_offer_tells_what_the_receiver_needs_to_know() {
    on_both(refunds, async |world| {
        world.agent("first").offers([]);
        pass_on(world, &world.client("user-1")).await;
        let offered = world.agent("first").offered();
        assert_eq!(offered.len(), 1);
        let offer = &offered[0];
        assert_eq!(offer["from_agent"], "sales", "{offer}");
        assert_eq!(offer["handoff_reason"], "wants a refund");
        assert_eq!(offer["user_metadata"]["userId"], "user-1");
        assert!(offer["expires_at"].as_str().unwrap().ends_with('Z'), "{offer}");
        let told = &world.agent("first").calls()[0].arguments["handoff"];
        assert_eq!(told["handoff_id"], offer["handoff_id"], "{told}");
        let texts = |messages: &Value| -> Vec<String> {
            let texts =
                messages.as_array().unwrap().iter().map(|said| said["content"].as_str().unwrap());
            texts.map(str::to_owned).collect()
        };
        assert_eq!(
            texts(&offer["compressed_context"]["recent_messages"]),
            texts(&told["recent_messages"]),
            "the same brief travels with the call"
        );
    })
    .await;
}
