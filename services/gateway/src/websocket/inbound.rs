//! What a client says over a socket.

use uuid::Uuid;

use crate::fields::Fields;
use crate::message::{Message, Names};
use crate::problem::Problem;

const NAMES: Names = Names { input: "input", session: "sessionId", locale: "locale" };

/// A frame of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    /// Starts a turn, under this request id if there is one.
    Message { message: Box<Message>, request_id: Option<String> },
    /// Asks whether anybody is there.
    Ping,
    /// Ends a running turn.
    Cancel { request_id: String },
}

/// A frame that is not understood, and the request that it seems to be about.
#[derive(Debug)]
pub(super) struct Odd {
    pub(super) problem: Problem,
    pub(super) request_id: Option<String>,
}

impl Inbound {
    pub(super) fn parse(text: &str) -> Result<Self, Odd> {
        // The contract has one code for frames, whether they are JSON or not.
        let mut fields = Fields::parse(text.as_bytes()).map_err(|problem| Odd {
            problem: match problem.code() {
                "invalid_json" => Problem::invalid_field("", "is not JSON"),
                _ => problem,
            },
            request_id: None,
        })?;
        let request_id = request_id(&mut fields);
        let kind = fields.choice("type", &["message", "request", "ping", "cancel"]);
        let frame = match kind {
            Some("message" | "request") => {
                let message = Box::new(Message::read(&mut fields, &NAMES));
                Self::Message { message, request_id: request_id.clone() }
            }
            Some("cancel") => {
                if !fields.has("requestId") {
                    fields.reject("requestId", "is required");
                }
                Self::Cancel { request_id: request_id.clone().unwrap_or_default() }
            }
            other => {
                if other.is_none() && !fields.has("type") {
                    fields.reject("type", "is required");
                }
                Self::Ping
            }
        };
        fields.finish(frame).map_err(|problem| Odd { problem, request_id })
    }
}

fn request_id(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("requestId")?;
    match Uuid::try_parse(&text) {
        Ok(id) => Some(id.to_string()),
        Err(_) => {
            fields.reject("requestId", "is not a UUID");
            None
        }
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

    #[test]
    fn frames_are_understood() {
        let text = format!(
            r#"{{"type":"message","input":"Hi","sessionId":"s","requestId":"{}","metadata":{{"a": 1}}}}"#,
            ID.to_uppercase()
        );
        let Ok(Inbound::Message { message, request_id }) = Inbound::parse(&text) else {
            panic!("{text} is a message");
        };
        assert_eq!((message.input.as_str(), message.session_ref.as_deref()), ("Hi", Some("s")));
        assert_eq!(message.metadata_json, r#"{"a": 1}"#);
        assert_eq!(request_id.as_deref(), Some(ID), "ids are in lower case");
        assert!(matches!(
            Inbound::parse(r#"{"type":"request","input":"Hi"}"#),
            Ok(Inbound::Message { .. })
        ));
        assert_eq!(Inbound::parse(r#"{"type":"ping"}"#).unwrap(), Inbound::Ping);
        let cancel = format!(r#"{{"type":"cancel","requestId":"{ID}"}}"#);
        assert_eq!(Inbound::parse(&cancel).unwrap(), Inbound::Cancel { request_id: ID.to_owned() });
    }

    #[test]
    fn odd_frames_are_invalid_requests() {
        let cases = [
            "",
            "{",
            "[]",
            "7",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"dance"}"#,
            r#"{"type":"message"}"#,
            r#"{"type":"message","input":""}"#,
            r#"{"type":"message","input":"a","requestId":"x"}"#,
            r#"{"type":"message","input":"a","sessionId":"a b"}"#,
            r#"{"type":"cancel"}"#,
            r#"{"type":"cancel","requestId":"x"}"#,
        ];
        for text in cases {
            assert_eq!(
                Inbound::parse(text).unwrap_err().problem.code(),
                "invalid_request",
                "{text}"
            );
        }
        let named = format!(r#"{{"type":"message","requestId":"{ID}"}}"#);
        assert_eq!(Inbound::parse(&named).unwrap_err().request_id.as_deref(), Some(ID));
    }
}
