//! What the receiver of a handoff is told with every dispatch: argument `handoff` of contract section 10.

use proto::v1::{CompressedContext, Entry as Message, KeyFact, NamedEntity, OpenItem};
use serde::Serialize;

use crate::clock::rfc3339;

#[derive(Serialize)]
struct Brief<'a> {
    handoff_id: &'a str,
    from_agent: &'a str,
    reason: &'a str,
    summary: &'a str,
    key_facts: Vec<Fact<'a>>,
    entities: Vec<Entity<'a>>,
    open_items: Vec<Item<'a>>,
    recent_messages: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Fact<'a> {
    fact: &'a str,
    importance: f64,
    source_message_ids: &'a [String],
}

#[derive(Serialize)]
struct Entity<'a> {
    name: &'a str,
    r#type: &'a str,
    value: &'a str,
    resolved: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    description: &'a str,
    priority: &'a str,
}

/// A part of a conversation as agents see it.
#[derive(Serialize)]
pub(super) struct Said<'a> {
    pub role: &'a str,
    pub content: &'a str,
    pub timestamp: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub intent_summary: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub agent_id: &'a str,
}

/// One JSON object.
pub(super) fn brief_json(
    handoff_id: &str,
    from_agent: &str,
    reason: &str,
    context: &CompressedContext,
) -> String {
    let brief = Brief {
        handoff_id,
        from_agent,
        reason,
        summary: &context.summary,
        key_facts: context.key_facts.iter().map(Fact::of).collect(),
        entities: context.entities.iter().map(Entity::of).collect(),
        open_items: context.open_items.iter().map(Item::of).collect(),
        recent_messages: context.recent_messages.iter().map(Said::of).collect(),
    };
    serde_json::to_string(&brief).expect("a brief is plain data")
}

impl<'a> Fact<'a> {
    fn of(fact: &'a KeyFact) -> Self {
        Self {
            fact: &fact.fact,
            importance: fact.importance,
            source_message_ids: &fact.source_message_ids,
        }
    }
}

impl<'a> Entity<'a> {
    fn of(entity: &'a NamedEntity) -> Self {
        Self {
            name: &entity.name,
            r#type: &entity.r#type,
            value: &entity.value,
            resolved: entity.resolved,
        }
    }
}

impl<'a> Item<'a> {
    fn of(item: &'a OpenItem) -> Self {
        Self { description: &item.description, priority: &item.priority }
    }
}

impl<'a> Said<'a> {
    fn of(message: &'a Message) -> Self {
        Self {
            role: &message.role,
            content: &message.content,
            timestamp: rfc3339(message.timestamp_ms),
            intent_summary: &message.intent_summary,
            agent_id: &message.agent_id,
        }
    }
}
