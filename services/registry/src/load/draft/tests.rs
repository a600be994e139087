use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn sales(extra: &Value) -> Value {
    let mut agent = json!({
        "agent_id": "sales", "display_name": "Sales", "description": "Sells things.", "type": "mcp",
        "endpoint": "https://8.8.8.8/mcp", "is_default": false, "confidence_threshold": 0.7,
        "clarification_required": true, "examples": ["What does it cost?"]
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        agent[key] = value.clone();
    }
    agent
}

fn read_json(text: String) -> Draft {
    let background = Background { stored: None, known: BTreeSet::new() };
    draft(Text::Json(text), &background, &Rules::default())
}

#[test]
fn json_is_stored_as_yaml_in_the_order_in_which_it_came() {
    let text = "{\n\t\"agent_id\":\t\"sales\",\n\t\"endpoint\": \"https:\\/\\/8.8.8.8\\/mcp\",
        \"type\": \"mcp\", \"display_name\": \"\\ud83d\\ude00 \\u00fc\", \"description\": \"a: b # c\",
        \"is_default\": false, \"confidence_threshold\": 1, \"clarification_required\": true,
        \"examples\": [\"true\", \"0.7\", \"- x\", \"two\\nlines\\ttab\"]}";
    let draft = read_json(text.to_owned());
    let agent = draft.definition.expect("the definition is valid").agent;
    assert_eq!(agent.display_name, "😀 ü");
    assert_eq!(agent.examples, ["true", "0.7", "- x", "two\nlines\ttab"]);
    assert!(draft.text.starts_with("agent_id: sales\nendpoint: "), "{}", draft.text);
    let stored = yaml::parse(&draft.text).expect("it is YAML");
    assert_eq!(definition::read(stored, &Rules::default()).expect("and valid").agent, agent);
}

#[test]
fn yaml_is_stored_byte_for_byte() {
    let yaml = format!("# Ours.\n{}  # to be changed\n", sales(&json!({})));
    let background = Background { stored: None, known: BTreeSet::new() };
    let draft = draft(Text::Yaml(yaml.clone()), &background, &Rules::default());
    assert!(draft.definition.is_ok());
    assert_eq!(draft.text, yaml);
}

#[test]
fn faults_name_their_field_and_their_place_in_what_was_sent() {
    let text = sales(&json!({"cost": {"model": ""}, "examples": ["a", ""], "colour": "red"}));
    let faults = read_json(text.to_string()).definition.expect_err("three fields are wrong");
    let mut paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["colour", "cost.model", "examples[1]"]);
    assert!(faults.iter().all(|fault| fault.place.line == 1), "{faults:?}");
}

#[test]
fn a_variable_that_no_file_names_is_refused() {
    let text =
        |name: &str| Text::Json(sales(&json!({"version": format!("${{{name}:-1}}")})).to_string());
    let known = ["KNOWN".to_owned()].into();
    let background = Background { stored: None, known };
    assert!(draft(text("KNOWN"), &background, &Rules::default()).definition.is_ok());
    let faults = draft(text("SECRET"), &background, &Rules::default()).definition;
    let faults = faults.expect_err("the folder does not name it");
    assert!(faults[0].message.contains("`SECRET`"), "{faults:?}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~\\t\\n]{0,120}",
        "(true|no|~|null|0x1F|1_000|1e3|-|---|: |\\? |#|&a|\\*a|!x|%|@|`|\\[|\\{|<<|2026-01-01| x|x )",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has finite numbers", |n| n.is_finite())
            .prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_json_says_the_stored_yaml_says_too(value in any_json()) {
        let node = yaml::parse(&Text::Json(value.to_string()).as_yaml());
        // What no definition can hold, as a character that YAML forbids, is refused as a whole.
        if let Ok(node) = node {
            prop_assert_eq!(node.to_json().to_string(), value.to_string());
            let (text, _) = settled(node, None, &Variables::new()).expect("it can be written");
            let read = yaml::parse(&text).expect("it can be read");
            prop_assert_eq!(read.to_json().to_string(), value.to_string(), "{}", text);
        }
    }
}
