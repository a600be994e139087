//! YAML text to located values, within bounds, with the position of every syntax error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, MergeKeyPolicy, MessageFormatter as _, Options, Spanned};

use crate::node::{Fault, Key, Node, Place, Value};

/// How many values a definition may hold, aliases followed.
const NODES_MAX: usize = 20_000;
/// How deep a definition may nest.
const DEPTH_MAX: usize = 32;

/// Parses one document.
pub fn parse(text: &str) -> Result<Node, Fault> {
    match serde_yaml::from_str_with_options::<Located>(text, options()) {
        Ok(located) => Ok(located.0),
        Err(error) => {
            let error = error.without_snippet();
            let place = error.location().map(place).unwrap_or_default();
            let message = serde_yaml::UserMessageFormatter.format_message(error);
            Err(Fault::at(place, message.replace(char::is_control, " ")))
        }
    }
}

fn options() -> Options {
    let alias_limits = serde_yaml::alias_limits! { max_total_replayed_events: NODES_MAX };
    serde_yaml::options! {
        alias_limits: alias_limits,
        budget: serde_yaml::budget! {
            max_depth: DEPTH_MAX,
            max_documents: 1,
            max_nodes: NODES_MAX,
        },
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    }
}

fn place(location: Location) -> Place {
    let count = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
    Place { line: count(location.line()), column: count(location.column()) }
}

struct Located(Node);

impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Typed>::deserialize(deserializer)?;
        Ok(Self(Node { place: place(spanned.referenced), value: spanned.value.0 }))
    }
}

struct Typed(Value);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Kinds).map(Self)
    }
}

struct Kinds;

impl<'de> Visitor<'de> for Kinds {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, a boolean, a list or an object")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        let value = i64::try_from(value).map_err(|_| E::custom("the number is too large"))?;
        Ok(Value::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Located(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Located(node))) = access.next_entry::<Spanned<String>, _>()? {
            let key = Key { place: place(key.referenced), name: key.value };
            entries.push((key, node));
        }
        Ok(Value::Object(entries))
    }
}
