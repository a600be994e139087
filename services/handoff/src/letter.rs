//! What a candidate is sent: the brief and what belongs to it.

use chrono::{DateTime, SecondsFormat};
use proto::v1::{CompressedContext, Entry};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// An offer as it is written to any transport.
pub(crate) struct Letter<'a> {
    /// The transfer.
    pub(crate) handoff_id: &'a str,
    /// The conversation.
    pub(crate) session_id: &'a str,
    /// Who speaks in it.
    pub(crate) user_id: &'a str,
    /// The user's language; empty when it is not known.
    pub(crate) language: &'a str,
    /// The agent that gives the work away; empty when there is none.
    pub(crate) from_agent: &'a str,
    /// Why.
    pub(crate) reason: &'a str,
    /// The conversation in short.
    pub(crate) brief: &'a CompressedContext,
    /// The state of the work, one JSON value; empty when there is none.
    pub(crate) conversation_state: &'a str,
    /// What the caller adds, one JSON value; empty when there is none.
    pub(crate) custom_data: &'a str,
    /// After this the letter is void.
    pub(crate) expires_ms: i64,
    /// Whether the agent must say yes in words.
    pub(crate) must_accept: bool,
}

#[derive(Serialize)]
struct Payload<'a> {
    handoff_id: &'a str,
    session_id: &'a str,
    from_agent: &'a str,
    compressed_context: Value,
    handoff_reason: &'a str,
    user_metadata: User<'a>,
    conversation_state: &'a RawValue,
    custom_data: &'a RawValue,
    expires_at: String,
}

#[derive(Serialize)]
struct User<'a> {
    #[serde(rename = "userId")]
    user_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
}

impl Letter<'_> {
    /// The letter as one JSON object.
    pub(crate) fn payload(&self) -> Result<Box<RawValue>, serde_json::Error> {
        to_raw_value(&Payload {
            handoff_id: self.handoff_id,
            session_id: self.session_id,
            from_agent: self.from_agent,
            compressed_context: brief(self.brief),
            handoff_reason: self.reason,
            user_metadata: User { user_id: self.user_id, language: self.language },
            conversation_state: object(self.conversation_state)?,
            custom_data: object(self.custom_data)?,
            expires_at: time(self.expires_ms),
        })
    }
}

/// A time as agents read it.
#[must_use]
pub(crate) fn time(at_ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(at_ms).unwrap_or(DateTime::UNIX_EPOCH);
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn object(text: &str) -> Result<&RawValue, serde_json::Error> {
    serde_json::from_str(if text.is_empty() { "{}" } else { text })
}

fn brief(brief: &CompressedContext) -> Value {
    let facts = brief.key_facts.iter().map(|fact| {
        json!({
            "fact": fact.fact,
            "importance": fact.importance,
            "source_message_ids": fact.source_message_ids,
        })
    });
    let intents = brief.intents.iter().map(|seen| {
        let entities = object(&seen.entities_json).ok();
        json!({ "intent": seen.intent, "confidence": seen.confidence, "entities": entities })
    });
    let entities = brief.entities.iter().map(|found| {
        json!({
            "name": found.name,
            "type": found.r#type,
            "value": found.value,
            "resolved": found.resolved,
        })
    });
    let items = brief.open_items.iter();
    let items =
        items.map(|item| json!({ "description": item.description, "priority": item.priority }));
    json!({
        "summary": brief.summary,
        "key_facts": facts.collect::<Vec<_>>(),
        "intents": intents.collect::<Vec<_>>(),
        "entities": entities.collect::<Vec<_>>(),
        "open_items": items.collect::<Vec<_>>(),
        "recent_messages": brief.recent_messages.iter().map(message).collect::<Vec<_>>(),
        "compression_method": brief.compression_method,
        "original_token_count": brief.original_token_count,
        "compressed_token_count": brief.compressed_token_count,
        "compression_ratio": brief.compression_ratio,
        "recent_dropped": brief.recent_dropped,
    })
}

fn message(entry: &Entry) -> Value {
    let mut value = json!({
        "role": entry.role,
        "content": entry.content,
        "timestamp": time(entry.timestamp_ms),
    });
    for (name, text) in [("intent_summary", &entry.intent_summary), ("agent_id", &entry.agent_id)] {
        if !text.is_empty() {
            value[name] = json!(text);
        }
    }
    value
}
