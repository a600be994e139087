//! What becomes of a file's placeholders when its definition is replaced.
//!
//! Who reads a definition from the mesh sees what placeholders stand for. When the same text comes back, the placeholder
//! stays; when another comes in its place, it is named, so that none is lost unseen.

use super::placeholder::{Variables, replace};
use crate::node::{Key, Node, Value};

/// The new value, in which every text that the old one has as a placeholder is that placeholder.
pub fn keep(new: Node, old: &Node, variables: &Variables) -> Node {
    let value = match (new.value, &old.value) {
        (Value::Text(text), Value::Text(old)) => {
            let is_same = replace(old, variables).is_ok_and(|expanded| expanded == text);
            Value::Text(if is_same { old.clone() } else { text })
        }
        (Value::List(items), Value::List(olds)) => {
            let mut olds = olds.iter();
            let keep_item = |item| match olds.next() {
                Some(old) => keep(item, old, variables),
                None => item,
            };
            Value::List(items.into_iter().map(keep_item).collect())
        }
        (Value::Object(entries), Value::Object(_)) => {
            let keep_entry = |(key, node): (Key, Node)| match old.entry(&key.name) {
                Some(old) => (key, keep(node, old, variables)),
                None => (key, node),
            };
            Value::Object(entries.into_iter().map(keep_entry).collect())
        }
        (value, _) => value,
    };
    Node { place: new.place, value }
}

/// The placeholders of the old value that are not in the new one: the field, and the text that held them.
pub fn lost(new: Option<&Node>, old: &Node, path: &str) -> Vec<(String, String)> {
    match &old.value {
        Value::Text(text) if text.contains("${") => {
            let stays = new.is_some_and(|new| new.value == old.value);
            if stays { Vec::new() } else { vec![(path.to_owned(), text.clone())] }
        }
        Value::List(items) => {
            let lost_item = |(index, old): (usize, &Node)| {
                let new = new.and_then(|new| new.item(index));
                lost(new, old, &format!("{path}[{index}]"))
            };
            items.iter().enumerate().flat_map(lost_item).collect()
        }
        Value::Object(entries) => {
            let lost_entry = |(key, old): &(Key, Node)| {
                let dot = if path.is_empty() { "" } else { "." };
                let new = new.and_then(|new| new.entry(&key.name));
                lost(new, old, &format!("{path}{dot}{}", key.name))
            };
            entries.iter().flat_map(lost_entry).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::yaml::parse;

    const OLD: &str = "\
id: sales
endpoint: ${URL:-https://sales.example.com}
examples: [\"What is ${THING}?\", plain]
metadata: {a: {b: \"${THING}\"}}
";

    fn node(text: &str) -> Node {
        parse(text).expect("the text is YAML")
    }

    fn variables() -> Variables {
        [("THING".to_owned(), "a bike".to_owned())].into()
    }

    fn kept(new: &str) -> (serde_json::Value, Vec<(String, String)>) {
        let old = node(OLD);
        let kept = keep(node(new), &old, &variables());
        let lost = lost(Some(&kept), &old, "");
        (kept.to_json(), lost)
    }

    #[test]
    fn a_text_that_comes_back_as_it_was_read_stays_a_placeholder() {
        let read = r#"{"endpoint": "https://sales.example.com", "metadata": {"a": {"b": "a bike"}},
            "examples": ["What is a bike?", "plain", "more"], "id": "sales"}"#;
        let (kept, lost) = kept(read);
        assert_eq!(kept["endpoint"], "${URL:-https://sales.example.com}");
        assert_eq!(kept["examples"], serde_json::json!(["What is ${THING}?", "plain", "more"]));
        assert_eq!(kept["metadata"]["a"]["b"], "${THING}");
        assert_eq!(lost, []);
    }

    #[test]
    fn a_placeholder_that_goes_is_named() {
        let changed = "{endpoint: https://new.example.com, examples: [plain], metadata: 7, id: b}";
        let (kept, lost) = kept(changed);
        assert_eq!(kept, node(changed).to_json());
        let lost: Vec<_> = lost.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let expected = [
            ("endpoint", "${URL:-https://sales.example.com}"),
            ("examples[0]", "What is ${THING}?"),
            ("metadata.a.b", "${THING}"),
        ];
        assert_eq!(lost, expected);
    }
}
