//! Any text as a frame.

use arbtest::arbitrary::{Result, Unstructured};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::chaos;
use crate::message::is_reference;

const FIELDS: [&str; 6] = ["type", "input", "requestId", "sessionId", "locale", "metadata"];
const KINDS: [&str; 4] = ["message", "request", "ping", "cancel"];

fn a_frame_is_understood_or_invalid(u: &mut Unstructured<'_>) -> Result<()> {
    let mut frame = chaos::object(u, &FIELDS)?;
    if u.ratio(3, 4)? {
        frame.insert("type".to_owned(), json!(*u.choose(&KINDS)?));
    }
    if u.ratio(1, 2)? {
        frame.insert("input".to_owned(), json!("Where is my parcel?"));
        frame.insert("requestId".to_owned(), json!(Uuid::from_u128(u.arbitrary()?)));
    }
    let bytes = chaos::written(u, &Value::Object(frame))?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    match Inbound::parse(&text) {
        Ok(Inbound::Message { message, request_id }) => {
            let count = message.input.chars().count();
            assert!((1..=10_000).contains(&count), "{text}");
            assert!(message.session_ref.as_deref().is_none_or(is_reference), "{text}");
            assert!(text.contains(&message.metadata_json), "metadata keeps its bytes: {text}");
            assert!(request_id.as_deref().is_none_or(is_id), "{text}");
        }
        Ok(Inbound::Cancel { request_id }) => assert!(is_id(&request_id), "{text}"),
        Ok(Inbound::Ping) => {}
        Err(odd) => {
            assert_eq!(odd.problem.code(), "invalid_request", "{text}");
            assert!(!odd.problem.details().is_empty(), "it says which rule: {text}");
            assert!(odd.request_id.as_deref().is_none_or(is_id), "{text}");
        }
    }
    Ok(())
}

fn is_id(text: &str) -> bool {
    Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text)
}

#[test]
fn whatever_comes_is_a_frame_or_an_invalid_request() {
    chaos::each(a_frame_is_understood_or_invalid);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn whatever_comes_is_a_frame_or_an_invalid_request_for_minutes() {
    chaos::long(a_frame_is_understood_or_invalid);
}
