//! The pages of `skills/`, held against the tools that they explain.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::argument::input_schema;
use super::tool;

const GROUPS: [&str; 4] = ["circuit-breaker", "clarification", "routing", "session-management"];
const SECTIONS: [&str; 5] = [
    "## Capability",
    "## MCP Tools",
    "## Usage Examples",
    "## Error Handling",
    "## Security Considerations",
];

fn pages() -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skills");
    let read = |group| std::fs::read_to_string(folder.join(group).join("skill.md"));
    GROUPS.map(|group| (group, read(group).expect("each group has a page"))).into()
}

#[test]
fn every_page_has_the_sections_of_the_contract_in_order() {
    for (group, page) in pages() {
        let sections: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(sections, SECTIONS, "{group}");
    }
}

#[test]
fn every_tool_is_explained_once_with_its_scope_and_its_limit() {
    let mut explained = BTreeMap::new();
    for (group, page) in pages() {
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let name = cells[1].trim_matches('`').to_owned();
            let told = (cells[2].to_owned(), cells[3].to_owned());
            assert!(explained.insert(name, told).is_none(), "{group} explains again: {row}");
        }
    }
    let limit = |limit: Option<i64>| limit.map_or("no limit".to_owned(), |limit| limit.to_string());
    let own: BTreeMap<_, _> = tool::all()
        .map(|tool| (tool.name.to_owned(), (tool.scope.name().to_owned(), limit(tool.per_minute))))
        .collect();
    assert_eq!(explained, own);
}

#[test]
fn every_example_is_a_call_that_its_tool_takes() {
    let mut calls = 0;
    for (group, page) in pages() {
        for block in page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            for value in serde_json::Deserializer::from_str(block).into_iter::<Value>() {
                let value = value.unwrap_or_else(|error| panic!("{group}: {error} in {block}"));
                let (Some(name), Some(given)) = (value["name"].as_str(), value.get("arguments"))
                else {
                    continue;
                };
                let tool = tool::named(name).unwrap_or_else(|| panic!("{group}: no tool {name}"));
                let schema = Value::Object(input_schema(tool.input));
                assert!(jsonschema::draft202012::is_valid(&schema, given), "{group}: {value}");
                for argument in given.as_object().expect("arguments are an object").keys() {
                    let is_known = tool.input.iter().any(|known| known.name == argument);
                    assert!(is_known, "{group}: {name} has no argument {argument}");
                }
                calls += 1;
            }
        }
    }
    assert!(GROUPS.len() * 3 <= calls, "there are examples: {calls}");
}
