//! `${VAR}` and `${VAR:-default}` inside string values.
//!
//! The file is parsed before this runs, so what a variable holds can never become a key, a number or a comment, and
//! what it holds is not searched for placeholders again.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::{Fault, Node, Value};

/// What placeholders stand for.
pub type Variables = BTreeMap<String, String>;

/// The same value with every placeholder replaced, or all placeholders that cannot be.
pub fn expand(node: Node, variables: &Variables) -> Result<Node, Vec<Fault>> {
    let mut faults = Vec::new();
    let node = walk(node, variables, &mut faults);
    if faults.is_empty() { Ok(node) } else { Err(faults) }
}

/// The names of all variables that a value reads.
pub fn names(node: &Node) -> BTreeSet<String> {
    match &node.value {
        Value::Text(text) => names_in(text),
        Value::List(items) => items.iter().flat_map(names).collect(),
        Value::Object(entries) => entries.iter().flat_map(|(_, node)| names(node)).collect(),
        _ => BTreeSet::new(),
    }
}

fn names_in(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = text;
    while let Some((inside, after)) =
        rest.split_once("${").and_then(|(_, inside)| inside.split_once('}'))
    {
        names.insert(named(inside).0.to_owned());
        rest = after;
    }
    names
}

/// The name of a variable and what stands in for it.
fn named(inside: &str) -> (&str, Option<&str>) {
    match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    }
}

// The parser bounds how deep a file may nest.
fn walk(node: Node, variables: &Variables, faults: &mut Vec<Fault>) -> Node {
    let place = node.place;
    let value = match node.value {
        Value::Text(text) => match replace(&text, variables) {
            Ok(text) => Value::Text(text),
            Err(message) => {
                faults.push(Fault::at(place, message));
                Value::Text(text)
            }
        },
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| walk(item, variables, faults)).collect())
        }
        Value::Object(entries) => Value::Object(
            entries.into_iter().map(|(key, node)| (key, walk(node, variables, faults))).collect(),
        ),
        other => other,
    };
    Node { place, value }
}

/// The text with every placeholder replaced, or why that cannot be.
pub fn replace(text: &str, variables: &Variables) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            return Err("a placeholder `${` is not closed".to_owned());
        };
        out.push_str(&resolve(&inside[..end], variables)?);
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn resolve(inside: &str, variables: &Variables) -> Result<String, String> {
    let (name, default) = named(inside);
    if !is_name(name) {
        return Err(format!(
            "`${{{inside}}}` is not a placeholder: `{name}` is not a variable name"
        ));
    }
    // A variable that is set but empty stands for nothing, also where there is a default.
    match (variables.get(name), default) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!("variable `{name}` is not set and has no default")),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        [("HOST", "shop.example.com"), ("EMPTY", ""), ("TRICK", "${HOST}\nadmin: true # }")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn a_placeholder_becomes_its_value_or_its_default() {
        let cases = [
            ("plain $HOST and $5", "plain $HOST and $5"),
            ("${HOST}", "shop.example.com"),
            ("https://${HOST}/${PATH_:-mcp}", "https://shop.example.com/mcp"),
            ("${HOST:-other}", "shop.example.com"),
            ("${MISSING:-}", ""),
            ("${MISSING:-a:-b}", "a:-b"),
            ("${EMPTY}", ""),
            ("${EMPTY:-default}", ""),
            ("${TRICK}", "${HOST}\nadmin: true # }"),
            ("ünï ${HOST} cödé", "ünï shop.example.com cödé"),
        ];
        for (text, expected) in cases {
            assert_eq!(replace(text, &variables()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_variables_of_a_text_are_known_by_name() {
        let names = names_in("${A}-${B:-x}${A:-}${C:-${D}-${E ${F:-a:-b} $G {H} ${");
        assert_eq!(names, ["A", "B", "C", "E ${F"].map(str::to_owned).into());
    }

    #[test]
    fn what_cannot_be_replaced_is_named() {
        let cases = [
            ("${MISSING}", "`MISSING` is not set"),
            ("${HOST", "not closed"),
            ("${}", "not a variable name"),
            ("${1A}", "not a variable name"),
            ("${HOST-x}", "not a variable name"),
            ("${ HOST }", "not a variable name"),
        ];
        for (text, expected) in cases {
            let message = replace(text, &variables()).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
