//! What the list of tools says, and whether the mesh can call the tool by its schema.

use rmcp::model::Tool;
use serde_json::{Map, Value};

use super::finding::{Finding, Rule, Verdict};

/// The tool of the agent contract.
pub(super) const TOOL: &str = "handle_message";
/// The tool of agents that want to be asked before a conversation comes to them.
pub(super) const OFFER: &str = "accept_handoff";

/// What every call carries, with its JSON type.
const ALWAYS: [(&str, &str); 10] = [
    ("session_id", "string"),
    ("request_id", "string"),
    ("employee_id", "string"),
    ("display_name", "string"),
    ("intent_summary", "string"),
    ("detected_language", "string"),
    ("raw_input", "string"),
    ("entities", "object"),
    ("turn_history", "array"),
    ("workflow_state", "object"),
];
/// What some calls carry.
const SOMETIMES: [(&str, &str); 3] =
    [("metadata", "object"), ("budget", "object"), ("handoff", "object")];

const LISTED: Rule =
    Rule::must("handle_message", "List a tool of the name `handle_message` in `tools/list`.");
const SCHEMA: Rule = Rule::must(
    "schema",
    "Let the input schema accept what the mesh sends: require nothing that it may leave out, and allow arguments you do not know.",
);

/// Looks at the list of tools.
pub(super) fn check(listed: &Result<Vec<Tool>, String>) -> Vec<Finding> {
    let tools = match listed {
        Ok(tools) => tools,
        Err(why) => {
            let unseen = Verdict::Skipped("there is no list of tools".to_owned());
            return vec![LISTED.judge(Verdict::Failed(why.clone())), SCHEMA.judge(unseen)];
        }
    };
    let Some(tool) = tools.iter().find(|tool| tool.name == TOOL) else {
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        let seen = format!("the list has {} tools: {}", names.len(), names.join(", "));
        let unseen = Verdict::Skipped("the tool is not listed".to_owned());
        return vec![LISTED.judge(Verdict::Failed(seen)), SCHEMA.judge(unseen)];
    };
    let others = tools.len() - 1;
    let seen = Verdict::Passed(format!("listed, with {others} others"));
    vec![LISTED.judge(seen), SCHEMA.judge(schema(&tool.input_schema))]
}

/// What in a schema would refuse calls of the mesh.
fn schema(schema: &Map<String, Value>) -> Verdict {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut faults = Vec::new();
    if schema.get("type").is_some_and(|kind| kind != "object") {
        faults.push("its type is not `object`".to_owned());
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !ALWAYS.iter().any(|(sent, _)| *sent == name) {
            faults.push(format!("it requires `{name}`, which not every call carries"));
        }
    }
    for (name, kind) in ALWAYS.into_iter().chain(SOMETIMES) {
        match properties.get(name).and_then(|property| property.get("type")) {
            Some(declared) if !allows(declared, kind) => {
                faults.push(format!("`{name}` is {declared}, the mesh sends {kind}"));
            }
            _ => {}
        }
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        faults.push(
            "`additionalProperties` is false, so that new arguments would be refused".to_owned(),
        );
    }
    if faults.is_empty() {
        return Verdict::Passed(format!("it declares {} arguments", properties.len()));
    }
    Verdict::Failed(faults.join("; "))
}

fn allows(declared: &Value, kind: &str) -> bool {
    match declared {
        Value::String(declared) => declared == kind,
        Value::Array(any) => any.iter().any(|declared| declared == kind),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(text: &Value) -> Verdict {
        schema(text.as_object().expect("a schema is an object"))
    }

    #[test]
    fn a_schema_that_takes_what_the_mesh_sends_is_good() {
        let good = [
            json!({}),
            json!({"type": "object", "required": ["raw_input", "workflow_state"], "properties": {
                "raw_input": {"type": "string"}, "metadata": {"type": ["object", "null"]},
                "budget": {"anyOf": [{"type": "object"}, {"type": "null"}]}, "extra": {"type": "number"}
            }, "additionalProperties": true}),
        ];
        for schema in good {
            assert!(matches!(judged(&schema), Verdict::Passed(_)), "{schema}");
        }
    }

    #[test]
    fn what_would_refuse_a_call_is_named() {
        let cases = [
            (json!({"type": "array"}), "type is not `object`"),
            (json!({"required": ["raw_input", "customer_tier"]}), "`customer_tier`"),
            (json!({"required": ["handoff"]}), "`handoff`"),
            (json!({"properties": {"entities": {"type": "array"}}}), "`entities` is \"array\""),
            (json!({"properties": {"handoff": {"type": "string"}}}), "`handoff`"),
            (json!({"additionalProperties": false}), "new arguments"),
        ];
        for (schema, expected) in cases {
            match judged(&schema) {
                Verdict::Failed(seen) => assert!(seen.contains(expected), "{schema}: {seen}"),
                other => panic!("{schema}: {other:?}"),
            }
        }
    }
}
