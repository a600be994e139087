//! What a front end for OpenAI sends, as a message.

use serde_json::value::RawValue;

use crate::fields::Fields;
use crate::identity::Claims;
use crate::message::{Message, REFERENCE_RULE, clean, is_reference};
use crate::problem::Problem;

/// Messages of a conversation, of which the mesh needs the last one of the user; it remembers the others.
const MESSAGES_MAX: usize = 10_000;
const PARTS_MAX: usize = 100;

/// A message, and how it is to be answered.
pub(super) struct Asked {
    pub(super) message: Message,
    pub(super) stream: bool,
}

/// Reads a body.
pub(super) fn parse(body: &[u8], session: Option<&str>) -> Result<Asked, Problem> {
    let mut fields = Fields::parse(body)?;
    let stream = fields.flag("stream").unwrap_or_default();
    let claims = Claims::of_user(fields.text("user"));
    let messages = fields.elements("messages", MESSAGES_MAX);
    let last = messages.iter().rev().find_map(|message| text_of_user(message));
    let input = last.ok_or_else(|| "has no message of the user".to_owned());
    let input = input.and_then(|text| clean(&text)).unwrap_or_else(|rule| {
        fields.reject("messages", rule);
        String::new()
    });
    if session.is_some_and(|session| !is_reference(session)) {
        fields.reject("X-Session-Id", REFERENCE_RULE);
    }
    let session_ref = session.map(str::to_owned);
    let message = Message { input, session_ref, claims, ..Message::default() };
    fields.finish(Asked { message, stream })
}

/// The text of a message, if the user said it.
fn text_of_user(message: &RawValue) -> Option<String> {
    let mut fields = Fields::parse(message.get().as_bytes()).ok()?;
    if fields.text("role")? != "user" {
        return None;
    }
    fields.text("content").or_else(|| {
        let parts = fields.elements("content", PARTS_MAX);
        let text = |part: &RawValue| Fields::parse(part.get().as_bytes()).ok()?.text("text");
        let texts: Vec<_> = parts.iter().filter_map(|part| text(part)).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_the_user_is_the_message() {
        let body = br#"{"model":"mesh","user":"anna","stream":true,"messages":[
            {"role":"system","content":"Be kind."},{"role":"user","content":"First"},
            {"role":"user","content":[{"type":"text","text":"Last"},{"type":"image_url"},{"type":"text","text":"word"}]},
            {"role":"assistant","content":"Yes?"}]}"#;
        let Ok(Asked { message, stream }) = parse(body, Some("s-1")) else { panic!("it is valid") };
        assert_eq!((message.input.as_str(), stream), ("Last\nword", true));
        assert_eq!(message.claims.user_id.as_deref(), Some("anna"));
        assert_eq!(message.session_ref.as_deref(), Some("s-1"));
    }

    #[test]
    fn without_a_word_of_the_user_there_is_nothing_to_answer() {
        for body in [
            "{}",
            r#"{"messages":[]}"#,
            r#"{"messages":7}"#,
            r#"{"messages":[7]}"#,
            r#"{"messages":[{"role":"assistant","content":"a"}]}"#,
            r#"{"messages":[{"role":"user","content":""}]}"#,
            r#"{"messages":[{"role":"user","content":[]}]}"#,
        ] {
            assert_eq!(
                parse(body.as_bytes(), None).err().unwrap().code(),
                "invalid_request",
                "{body}"
            );
        }
    }
}
