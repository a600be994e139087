//! Which bodies are messages of JSON-RPC 2.0.
//!
//! It tells what is not JSON from what is not a request, and keeps parameters as they were written, because the state of an
//! agent travels byte for byte. What a method means is for the interface that speaks it.

use rmcp::model::ErrorCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The arguments of a call that brings none.
const NONE: &str = "{}";

/// A request or a notification.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    jsonrpc: String,
    method: String,
    #[serde(default)]
    id: Id,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// The id of a message: absent is not the same as null.
#[derive(Debug, Default)]
enum Id {
    #[default]
    Absent,
    Given(Value),
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::Given)
    }
}

/// Why a body is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not JSON.
    NotJson,
    /// It is JSON, and not a request or notification.
    NotARequest,
}

impl Refusal {
    /// The code and the text of the protocol.
    pub(crate) fn error(self) -> (i32, &'static str) {
        match self {
            Self::NotJson => (ErrorCode::PARSE_ERROR.0, "the body is not JSON"),
            Self::NotARequest => (ErrorCode::INVALID_REQUEST.0, "the body is not a request"),
        }
    }
}

impl<'a> Envelope<'a> {
    /// Reads a body.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice::<&RawValue>(body).map_err(|_| Refusal::NotJson)?;
        let envelope: Self = serde_json::from_slice(body).map_err(|_| Refusal::NotARequest)?;
        let is_named = match &envelope.id {
            Id::Absent => true,
            Id::Given(id) => id.is_string() || id.is_i64(),
        };
        let is_request = envelope.jsonrpc == "2.0" && is_named;
        if is_request { Ok(envelope) } else { Err(Refusal::NotARequest) }
    }

    /// What is asked for.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Under which id; a notification has none.
    pub(crate) fn id(&self) -> Option<&Value> {
        match &self.id {
            Id::Absent => None,
            Id::Given(id) => Some(id),
        }
    }

    /// The parameters, as they were written.
    pub(crate) fn params(&self) -> Option<&'a RawValue> {
        self.params
    }

    /// The arguments of a tool call, as they were written.
    pub(crate) fn arguments(&self) -> &'a str {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow)]
            arguments: Option<&'a RawValue>,
        }
        let params = self.params.filter(|_| self.method == "tools/call");
        let params = params.and_then(|text| serde_json::from_str::<Params<'_>>(text.get()).ok());
        params.and_then(|params| params.arguments).map_or(NONE, RawValue::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_is_told_apart_from_what_is_not_a_request() {
        let cases = [
            ("", Refusal::NotJson),
            ("{", Refusal::NotJson),
            ("\u{feff}{}", Refusal::NotJson),
            ("[]", Refusal::NotARequest),
            ("7", Refusal::NotARequest),
            ("{}", Refusal::NotARequest),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Refusal::NotARequest),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Refusal::NotARequest),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, Refusal::NotARequest),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Refusal::NotARequest),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Refusal::NotARequest),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Refusal::NotARequest),
        ];
        for (body, expected) in cases {
            assert_eq!(Envelope::parse(body.as_bytes()).err(), Some(expected), "{body}");
        }
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ] {
            assert!(Envelope::parse(body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn arguments_keep_their_bytes() {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call",
            "params":{"name":"t","arguments":{"b" : 1.10, "a":[12345678901234567890]}}}"#;
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.arguments(), r#"{"b" : 1.10, "a":[12345678901234567890]}"#);
        for params in ["", r#","params":{}"#, r#","params":7"#, r#","params":{"arguments":null}"#] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call"{params}}}"#);
            assert_eq!(Envelope::parse(body.as_bytes()).unwrap().arguments(), "{}", "{body}");
        }
    }
}
