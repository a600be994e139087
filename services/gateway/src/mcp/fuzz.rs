//! Any body as a message, and any arguments for any tool.

use arbtest::arbitrary::{Result, Unstructured};
use rmcp::model::ClientJsonRpcMessage;
use serde_json::{Value, json};

use super::argument::{Given, input_schema};
use super::tool;
use crate::chaos;
use crate::envelope::{Envelope, Refusal};

const FIELDS: [&str; 4] = ["jsonrpc", "id", "method", "params"];
const PARAMS: [&str; 3] = ["name", "arguments", "_meta"];
const METHODS: [&str; 4] = ["tools/call", "tools/list", "initialize", "ping"];

fn a_body_is_a_message_or_refused(u: &mut Unstructured<'_>) -> Result<()> {
    let mut message = chaos::object(u, &FIELDS)?;
    if u.ratio(3, 4)? {
        message.insert("jsonrpc".to_owned(), json!("2.0"));
        message.insert("id".to_owned(), json!(u.arbitrary::<i64>()?));
        message.insert("method".to_owned(), json!(*u.choose(&METHODS)?));
        message.insert("params".to_owned(), Value::Object(chaos::object(u, &PARAMS)?));
    }
    let body = chaos::written(u, &Value::Object(message))?;
    let shown = String::from_utf8_lossy(&body);
    let value = serde_json::from_slice::<Value>(&body);
    match Envelope::parse(&body) {
        Err(Refusal::NotJson) => assert!(value.is_err(), "it is JSON: {shown}"),
        Err(Refusal::NotARequest) => {}
        Ok(envelope) => {
            let arguments = envelope.arguments();
            assert!(
                arguments == "{}" || shown.contains(arguments),
                "they keep their bytes: {shown}"
            );
            let own = serde_json::from_slice::<ClientJsonRpcMessage>(&body);
            // A number beyond all bounds is JSON that nobody can read, and no request.
            let Ok(value) = value else {
                assert!(own.is_err(), "rmcp reads {shown}");
                return Ok(());
            };
            assert_eq!(value["jsonrpc"], "2.0", "{shown}");
            // What rmcp makes of it is a message too, with the same arguments.
            let is_odd = !value["params"].is_object() || has_odd_meta(&value);
            assert!(own.is_ok() || is_odd, "rmcp refuses {shown}");
            let theirs = &value["params"]["arguments"];
            if value["method"] == "tools/call" && theirs.is_object() {
                let ours: Value = serde_json::from_str(arguments).expect("arguments are JSON");
                assert_eq!(&ours, theirs, "{shown}");
            }
        }
    }
    Ok(())
}

/// What is told about a message has to be an object.
fn has_odd_meta(message: &Value) -> bool {
    message["params"].get("_meta").is_some_and(|meta| !meta.is_object())
}

fn arguments_that_fit_the_schema_are_taken(u: &mut Unstructured<'_>) -> Result<()> {
    let tools: Vec<_> = tool::all().collect();
    let tool = u.choose(&tools)?;
    let names: Vec<_> = tool.input.iter().map(|argument| argument.name).collect();
    let mut arguments = chaos::object(u, &names)?;
    for argument in tool.input {
        if u.ratio(3, 4)? {
            arguments.insert(argument.name.to_owned(), argument.example());
        }
    }
    let arguments = Value::Object(arguments);
    let schema = Value::Object(input_schema(tool.input));
    let fits = jsonschema::draft202012::is_valid(&schema, &arguments);
    let text = arguments.to_string();
    match Given::read(tool.input, &text) {
        Ok(_) => {}
        Err(problem) => {
            assert!(!fits, "{} describes {text} and refuses it", tool.name);
            assert_eq!(problem.code(), "invalid_request", "{text}");
            assert!(!problem.details().is_empty(), "it says which rule: {text}");
        }
    }
    Ok(())
}

#[test]
fn whatever_comes_is_a_message_or_refused() {
    chaos::each(a_body_is_a_message_or_refused);
}

#[test]
fn what_a_tool_describes_it_takes() {
    chaos::each(arguments_that_fit_the_schema_are_taken);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn whatever_comes_is_a_message_or_refused_for_minutes() {
    chaos::long(a_body_is_a_message_or_refused);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn what_a_tool_describes_it_takes_for_minutes() {
    chaos::long(arguments_that_fit_the_schema_are_taken);
}
