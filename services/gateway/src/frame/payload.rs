//! What each event of a turn tells.

use proto::v1::turn_event::Event;
use proto::v1::{
    Accepted, BudgetChecked, Classified, Delta, HandoffCompleted, HandoffRejected, HandoffStarted,
    Routed, TurnEvent,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::money::Usd;
use crate::problem::Problem;

/// The name of an event and its payload.
pub(super) fn of(event: &TurnEvent) -> Option<(&'static str, Box<RawValue>)> {
    Some(match event.event.as_ref()? {
        Event::Accepted(said) => ("accepted", accepted(said)),
        Event::Classified(said) => ("classified", classified(said)),
        Event::Routed(said) => ("routed", routed(said)),
        Event::Budget(said) => ("budget", budget(said)),
        Event::Delta(said) => ("delta", delta(said)),
        Event::HandoffStarted(said) => ("handoff_started", started(said)),
        Event::HandoffCompleted(said) => ("handoff_completed", completed(said)),
        Event::HandoffRejected(said) => ("handoff_rejected", rejected(said)),
        Event::Result(said) => ("result", text(said.body_json.clone())),
        Event::Error(said) => ("error", text(Problem::of_turn(said).body(&event.request_id))),
    })
}

/// JSON that comes as text; what is none is a bug of ours and told as null.
fn text(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|error| {
        tracing::error!(%error, "a payload is not JSON");
        RawValue::NULL.to_owned()
    })
}

fn json(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("a payload is JSON")
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn accepted(said: &Accepted) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Payload<'a> {
        request_id: &'a str,
        session_id: &'a str,
        session_new: bool,
        turn_seq: i64,
    }
    let Accepted { request_id, session_id, session_new, turn_seq, .. } = said;
    json(&Payload { request_id, session_id, session_new: *session_new, turn_seq: *turn_seq })
}

fn classified(said: &Classified) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Payload<'a> {
        agent_id: &'a str,
        intent: &'a str,
        confidence: f64,
        ambiguous: bool,
        language: &'a str,
        entities: Box<RawValue>,
        mode: &'a str,
    }
    let entities = if said.entities_json.is_empty() { "{}" } else { &said.entities_json };
    json(&Payload {
        agent_id: &said.agent_id,
        intent: &said.intent,
        confidence: said.confidence,
        ambiguous: said.ambiguous,
        language: &said.language,
        entities: text(entities.to_owned()),
        mode: &said.mode,
    })
}

fn routed(said: &Routed) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Payload<'a> {
        agent_id: &'a str,
        action: &'a str,
        reason: &'a str,
    }
    let Routed { agent_id, action, reason } = said;
    json(&Payload { agent_id, action, reason })
}

fn budget(said: &BudgetChecked) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Payload<'a> {
        action: &'a str,
        reserved_usd: Usd,
        remaining_usd: Option<Usd>,
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<&'a str>,
        disabled_tools: &'a [String],
        hop: i64,
    }
    json(&Payload {
        action: &said.action,
        reserved_usd: Usd(said.reserved_micros),
        remaining_usd: said.remaining_micros.map(Usd),
        model: some(&said.model),
        disabled_tools: &said.disabled_tools,
        hop: said.hop,
    })
}

fn delta(said: &Delta) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Payload<'a> {
        agent_id: &'a str,
        hop: i64,
        index: i64,
        text: &'a str,
    }
    let Delta { agent_id, hop, index, text } = said;
    json(&Payload { agent_id, hop: *hop, index: *index, text })
}

#[derive(Serialize)]
struct Handoff<'a> {
    handoff_id: &'a str,
    from_agent: &'a str,
    to_agent: &'a str,
    trigger: &'a str,
    hop: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
}

fn started(said: &HandoffStarted) -> Box<RawValue> {
    let HandoffStarted { handoff_id, from_agent, to_agent, trigger, hop } = said;
    json(&Handoff { handoff_id, from_agent, to_agent, trigger, hop: *hop, duration_ms: None })
}

fn completed(said: &HandoffCompleted) -> Box<RawValue> {
    let HandoffCompleted { handoff_id, from_agent, to_agent, trigger, hop, duration_ms } = said;
    let duration_ms = Some(*duration_ms);
    json(&Handoff { handoff_id, from_agent, to_agent, trigger, hop: *hop, duration_ms })
}

fn rejected(said: &HandoffRejected) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Payload<'a> {
        handoff_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        agent_id: Option<&'a str>,
        reason: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<&'a str>,
        r#final: bool,
    }
    json(&Payload {
        handoff_id: &said.handoff_id,
        agent_id: some(&said.agent_id),
        reason: &said.reason,
        class: some(&said.class),
        r#final: said.r#final,
    })
}
