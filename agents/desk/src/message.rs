//! What the mesh says to an agent: the arguments of `handle_message`. Only what a desk cannot answer without is required.

use std::collections::BTreeMap;

use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The most characters of the customer's words that a desk reads.
pub(crate) const INPUT_CHARACTERS_MAX: usize = 20_000;

/// One message of a customer with all that the mesh knows about it. Every argument of the contract stands here, since
/// this is also the schema that callers see.
#[expect(dead_code, reason = "rules do not need all that a language model would")]
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Message {
    /// The conversation.
    pub(crate) session_id: String,
    /// The turn; the same again is the same call.
    pub(crate) request_id: String,
    /// What the customer wrote.
    pub(crate) raw_input: String,
    /// Who writes, as the business knows them.
    #[serde(default)]
    pub(crate) employee_id: String,
    /// The name to address them by.
    #[serde(default)]
    pub(crate) display_name: String,
    /// What the classifier understood.
    #[serde(default)]
    pub(crate) intent_summary: String,
    /// BCP 47 tag.
    #[serde(default)]
    pub(crate) detected_language: String,
    /// What was found in the text, such as `order_id`: a text or a list of texts.
    #[serde(default)]
    pub(crate) entities: Map<String, Value>,
    /// What the caller adds.
    #[serde(default)]
    pub(crate) metadata: Option<Map<String, Value>>,
    /// What was said before, without this message.
    #[serde(default)]
    pub(crate) turn_history: Vec<Entry>,
    /// What this desk returned last in this session.
    #[serde(default)]
    pub(crate) workflow_state: Map<String, Value>,
    /// What may be spent.
    #[serde(default)]
    pub(crate) budget: Option<Map<String, Value>>,
    /// Present while a desk is active that took the conversation over.
    #[serde(default)]
    pub(crate) handoff: Option<Handoff>,
}

/// One part of the conversation.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Entry {
    /// `user` or `agent`.
    #[serde(default)]
    pub(crate) role: String,
    /// What was said.
    #[serde(default)]
    pub(crate) content: String,
}

/// What the desk before knew.
#[expect(dead_code, reason = "rules do not need all that a language model would")]
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Handoff {
    /// Names this handoff.
    #[serde(default)]
    pub(crate) handoff_id: String,
    /// Who hands over.
    #[serde(default)]
    pub(crate) from_agent: String,
    /// Why.
    #[serde(default)]
    pub(crate) reason: String,
    /// What has happened so far.
    #[serde(default)]
    pub(crate) summary: String,
    /// Facts, as texts or objects with `fact`.
    #[serde(default)]
    pub(crate) key_facts: Vec<Value>,
    /// Names, numbers and dates, as texts or objects with `value`.
    #[serde(default)]
    pub(crate) entities: Vec<Value>,
    /// What is still to be done.
    #[serde(default)]
    pub(crate) open_items: Vec<Value>,
    /// The last messages, word for word.
    #[serde(default)]
    pub(crate) recent_messages: Vec<Value>,
}

impl Message {
    /// The values of an entity, whether there is one or a list.
    #[must_use]
    pub(crate) fn entity(&self, name: &str) -> Vec<&str> {
        match self.entities.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// What was said before this message and may hold what it leaves out: the newest first. The words of a desk are
    /// left out, since they name things that the customer did not choose.
    #[must_use]
    pub(crate) fn said_before(&self) -> Vec<&str> {
        let of_customer = self.turn_history.iter().rev().filter(|entry| entry.role == "user");
        let mut said: Vec<&str> = of_customer.map(|entry| entry.content.as_str()).collect();
        if let Some(handoff) = &self.handoff {
            said.extend(handoff.recent_messages.iter().rev().filter_map(of_user));
            said.push(&handoff.summary);
            said.extend(handoff.key_facts.iter().filter_map(|value| text_of(value, "fact")));
            said.extend(
                handoff.open_items.iter().filter_map(|value| text_of(value, "description")),
            );
            said.extend(handoff.entities.iter().filter_map(|value| text_of(value, "value")));
        }
        said
    }

    /// The handoff that brought this message, if this desk has not answered under it yet.
    #[must_use]
    pub(crate) fn new_handoff(&self, seen: Option<&str>) -> Option<&Handoff> {
        self.handoff.as_ref().filter(|handoff| seen != Some(handoff.handoff_id.as_str()))
    }

    /// Whether the caller asked to read along while the answer is made.
    #[must_use]
    pub(crate) fn wants_stream(&self) -> bool {
        let wish = self.metadata.as_ref().and_then(|metadata| metadata.get("stream"));
        wish == Some(&Value::Bool(true))
    }

    /// What is missing or too long, by field.
    #[must_use]
    pub(crate) fn faults(&self) -> BTreeMap<&'static str, String> {
        let mut faults = BTreeMap::new();
        let fields = [
            ("session_id", &self.session_id),
            ("request_id", &self.request_id),
            ("raw_input", &self.raw_input),
        ];
        for (name, value) in fields {
            if value.trim().is_empty() {
                faults.insert(name, "may not be empty".to_owned());
            }
        }
        if INPUT_CHARACTERS_MAX < self.raw_input.chars().count() {
            faults.insert("raw_input", format!("has more than {INPUT_CHARACTERS_MAX} characters"));
        }
        faults
    }
}

fn text_of<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.as_str().or_else(|| value.get(field).and_then(Value::as_str))
}

fn of_user(value: &Value) -> Option<&str> {
    let is_agent = value.get("role").and_then(Value::as_str) == Some("agent");
    if is_agent { None } else { text_of(value, "content") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Message;

    fn message(value: serde_json::Value) -> Message {
        serde_json::from_value(value).expect("the message is valid")
    }

    #[test]
    fn what_the_desk_before_knew_is_read_in_any_of_its_shapes() {
        let message = message(json!({
            "session_id": "s", "request_id": "r", "raw_input": "yes", "extra": 1,
            "turn_history": [{"role": "user", "content": "older"}, {"role": "agent", "content": "desk"}, {"role": "user", "content": "newer"}],
            "handoff": {
                "handoff_id": "h", "summary": "wants a visit", "key_facts": [{"fact": "order LL-1"}, "plain"],
                "entities": [{"value": "LL-10482"}], "recent_messages": ["word", {"role": "agent", "content": "no"}, {"role": "user", "content": "last"}],
            },
        }));
        let expected =
            ["newer", "older", "last", "word", "wants a visit", "order LL-1", "plain", "LL-10482"];
        assert_eq!(message.said_before(), expected);
        assert!(message.new_handoff(None).is_some());
        assert!(message.new_handoff(Some("h")).is_none());
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = message(json!({"session_id": "s", "request_id": "", "raw_input": " "}));
        let names: Vec<_> = message.faults().into_keys().collect();
        assert_eq!(names, ["raw_input", "request_id"]);
    }

    #[test]
    fn an_entity_may_be_one_or_several() {
        let message = message(json!({
            "session_id": "s", "request_id": "r", "raw_input": "x", "entities": {"order_id": ["1", "2"], "date": "today"},
        }));
        assert_eq!(message.entity("order_id"), ["1", "2"]);
        assert_eq!(message.entity("date"), ["today"]);
        assert!(message.entity("phone").is_empty());
    }
}
