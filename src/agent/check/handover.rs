//! Conversations that come from another agent: the offer, and the message that comes with it.

use chassis::clock;
use rmcp::model::Tool;
use router::clock::rfc3339;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::calls::answered;
use super::direct::{Direct, Said, object};
use super::finding::{Finding, Rule, Verdict};
use super::subject::Subject;
use super::tools::OFFER;

/// How long an offer is open.
const OFFER_OPEN_MS: i64 = 120_000;

const OFFERED: Rule = Rule::must(
    "accept_handoff",
    "Answer with {accepted, response_code?, message?}, where `accepted` is a boolean; anything else counts as a refusal.",
);
const RECEIVED: Rule = Rule::must(
    "handed over",
    "Answer `handle_message` with the argument `handoff` like any other: the customer's words are in `raw_input`.",
);

/// Offers a conversation where the agent wants to be asked, and hands one over.
pub(super) async fn check(
    subject: &Subject,
    direct: &Direct,
    listed: &Result<Vec<Tool>, String>,
) -> Vec<Finding> {
    let is_asked = listed.as_ref().is_ok_and(|tools| tools.iter().any(|tool| tool.name == OFFER));
    let offered = match is_asked {
        true => accepted(direct.call(OFFER, offer(subject)).await),
        false => Verdict::Skipped("not listed: the agent takes every handoff".to_owned()),
    };
    let mut arguments = subject.arguments();
    arguments.insert("handoff".to_owned(), brief(subject));
    let received = subject.hear(arguments).await;
    vec![OFFERED.judge(offered), RECEIVED.judge(answered(&received.outcome))]
}

fn accepted(said: Said) -> Verdict {
    let result = match said {
        Said::Result(result) => result,
        Said::Fault(code) => return Verdict::Failed(format!("JSON-RPC error {code}")),
        Said::Nothing(why) => return Verdict::Failed(why),
    };
    if result.is_error == Some(true) {
        return Verdict::Failed("isError".to_owned());
    }
    match object(&result).and_then(|answer| answer.get("accepted").and_then(Value::as_bool)) {
        Some(true) => Verdict::Passed("accepted".to_owned()),
        Some(false) => Verdict::Passed("refused, which is an answer".to_owned()),
        None => Verdict::Failed("the answer has no boolean `accepted`".to_owned()),
    }
}

fn handoff_id() -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("handoff-{}-{}", clock::now_ms(), &id[..8])
}

fn said(subject: &Subject) -> Value {
    let arguments = subject.arguments();
    json!([{"role": "user", "content": arguments["raw_input"], "timestamp": rfc3339(clock::now_ms())}])
}

fn offer(subject: &Subject) -> Map<String, Value> {
    let now_ms = clock::now_ms();
    let arguments = subject.arguments();
    let fields = [
        ("handoff_id", handoff_id().into()),
        ("session_id", arguments["session_id"].clone()),
        ("from_agent", "mesh-agent-check".into()),
        ("handoff_reason", "a check of the agent contract".into()),
        (
            "user_metadata",
            json!({"userId": "mesh-agent-check", "language": arguments["detected_language"]}),
        ),
        ("conversation_state", json!({})),
        ("custom_data", json!({})),
        ("expires_at", rfc3339(now_ms + OFFER_OPEN_MS).into()),
        (
            "compressed_context",
            json!({
                "summary": "A check of the agent contract.", "key_facts": [], "intents": [], "entities": [],
                "open_items": [], "recent_messages": said(subject), "compression_method": "identity",
                "original_token_count": 10, "compressed_token_count": 10, "compression_ratio": 1,
                "recent_dropped": 0,
            }),
        ),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn brief(subject: &Subject) -> Value {
    json!({
        "handoff_id": handoff_id(),
        "from_agent": "mesh-agent-check",
        "reason": "a check of the agent contract",
        "summary": "A check of the agent contract.",
        "key_facts": [{"fact": "the customer asked once already", "importance": 0.5, "source_message_ids": ["1"]}],
        "entities": [{"name": "email", "type": "email", "value": "anna@example.org", "resolved": true}],
        "open_items": [{"description": "an answer", "priority": "high"}],
        "recent_messages": said(subject),
    })
}
