//! Any parameters as a message of A2A.

use arbtest::arbitrary::{Result, Unstructured};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::message::Sent;
use crate::chaos;
use crate::message::is_reference;

const PARAMS: [&str; 2] = ["configuration", "metadata"];
const FIELDS: [&str; 6] = ["messageId", "contextId", "taskId", "role", "parts", "metadata"];
/// Invalid parameters, no such task, nothing is pushed, only text.
const CODES: [i64; 4] = [-32602, -32001, -32003, -32005];

fn a_message_is_read_or_refused(u: &mut Unstructured<'_>) -> Result<()> {
    let mut message = chaos::object(u, &FIELDS)?;
    if u.ratio(3, 4)? {
        message.insert("messageId".to_owned(), json!("m-1"));
        message.insert("role".to_owned(), json!("ROLE_USER"));
        message.insert("parts".to_owned(), json!([{"text": "Where is my parcel?"}]));
    }
    let mut params = chaos::object(u, &PARAMS)?;
    params.insert("message".to_owned(), Value::Object(message));
    let bytes = chaos::written(u, &Value::Object(params))?;
    // What is no JSON has no parameters.
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    let Ok(params) = RawValue::from_string(text.clone()) else { return Ok(()) };
    match Sent::read(Some(&params)) {
        Ok(Sent { message_id, message }) => {
            assert!((1..=256).contains(&message_id.chars().count()), "{text}");
            assert!((1..=10_000).contains(&message.input.chars().count()), "{text}");
            assert!(message.session_ref.as_deref().is_none_or(is_reference), "{text}");
            assert!(text.contains(&message.metadata_json), "metadata keeps its bytes: {text}");
        }
        Err(refusal) => {
            let error = refusal.error();
            let code = error["code"].as_i64().expect("an error has a code");
            assert!(CODES.contains(&code), "{error} of {text}");
            let is_told = error["data"][1]["fieldViolations"][0]["field"].is_string();
            assert_eq!(is_told, code == -32602, "it says which rule: {error} of {text}");
        }
    }
    Ok(())
}

#[test]
fn whatever_comes_is_a_message_or_refused() {
    chaos::each(a_message_is_read_or_refused);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn whatever_comes_is_a_message_or_refused_for_minutes() {
    chaos::long(a_message_is_read_or_refused);
}
