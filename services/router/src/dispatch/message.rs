//! The JSON-RPC messages of a call: the request that goes out, and what may come back before and as its answer.

use std::borrow::Cow;

use rmcp::model::RequestMetaObject;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::reply;
use super::setback::Setback;

/// The tool that every agent has.
pub(super) const TOOL: &str = "handle_message";
/// The method that calls it.
pub(super) const METHOD: &str = "tools/call";
const PROGRESS: &str = "notifications/progress";

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: i64,
    method: &'static str,
    params: Params<'a>,
}

#[derive(Serialize)]
struct Params<'a> {
    #[serde(rename = "_meta")]
    meta: &'a RequestMetaObject,
    name: &'static str,
    arguments: &'a RawValue,
}

/// One message of the agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The result of the call, as it is written.
    Answer(&'a str),
    /// What the agent says while it works.
    Progress(String),
    /// The agent asks the mesh something under this id.
    Question { id: &'a str, method: Cow<'a, str> },
    /// Nothing that matters to the call.
    Aside,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<Fault<'a>>,
}

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct FaultData<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Progress<'a> {
    #[serde(borrow, rename = "progressToken")]
    token: &'a RawValue,
    message: Option<String>,
}

/// The tool's arguments as one JSON object; those that are JSON text already are taken over byte for byte.
pub(super) struct Arguments<'a> {
    values: &'a Map<String, Value>,
    verbatim: Vec<(&'static str, &'a RawValue)>,
}

impl<'a> Arguments<'a> {
    /// The arguments, and the names of those that say they are JSON and are not; they are left out.
    pub(super) fn read(
        values: &'a Map<String, Value>,
        verbatim: &'a [(&'static str, String)],
    ) -> (Self, Vec<&'static str>) {
        let mut broken = Vec::new();
        let mut read = Vec::with_capacity(verbatim.len());
        for (name, text) in verbatim {
            match serde_json::from_str(text) {
                Ok(value) => read.push((*name, value)),
                Err(_) => broken.push(*name),
            }
        }
        (Self { values, verbatim: read }, broken)
    }

    /// Writes the object.
    pub(super) fn write(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("named values and JSON can be written as JSON")
    }
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in self.values {
            if !self.verbatim.iter().any(|(replaced, _)| replaced == name) {
                object.serialize_entry(name, value)?;
            }
        }
        for (name, value) in &self.verbatim {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

/// The request of a call.
pub(super) fn request(id: i64, meta: &RequestMetaObject, arguments: &RawValue) -> Vec<u8> {
    let params = Params { meta, name: TOOL, arguments };
    serde_json::to_vec(&Request { jsonrpc: "2.0", id, method: METHOD, params })
        .expect("numbers, strings and JSON can be written as JSON")
}

/// Reads one message that came back for the call of this id.
pub(super) fn read(text: &str, id: i64) -> Result<Message<'_>, Setback> {
    let incoming: Incoming<'_> = serde_json::from_str(text)
        .map_err(|_| Setback::unusable("the reply is not a JSON-RPC message"))?;
    match incoming {
        Incoming { method: Some(method), id: Some(id), .. } => {
            Ok(Message::Question { id: id.get(), method })
        }
        Incoming { method: Some(method), params, .. } if method == PROGRESS => {
            Ok(progress(params, id))
        }
        Incoming { method: Some(_), .. } => Ok(Message::Aside),
        Incoming { result: Some(result), id: Some(of), .. } if names(of, id) => {
            Ok(Message::Answer(result.get()))
        }
        Incoming { error: Some(fault), id: of, .. } if of.is_none_or(|of| names(of, id)) => {
            Err(reported(&fault))
        }
        _ => Err(Setback::unusable("the reply belongs to another call")),
    }
}

fn progress(params: Option<&RawValue>, id: i64) -> Message<'static> {
    let progress =
        params.and_then(|params| serde_json::from_str::<Progress<'_>>(params.get()).ok());
    match progress {
        Some(Progress { token, message: Some(message) })
            if names(token, id) && !message.is_empty() =>
        {
            Message::Progress(message)
        }
        _ => Message::Aside,
    }
}

fn reported(fault: &Fault<'_>) -> Setback {
    let data = fault.data.and_then(|data| serde_json::from_str::<FaultData<'_>>(data.get()).ok());
    let is_retryable =
        reply::is_retryable(fault.meta) || reply::is_retryable(data.and_then(|data| data.meta));
    Setback::Tool { is_retryable, usage: None }
}

/// Whether an id or token is ours; some agents write numbers as strings.
fn names(raw: &RawValue, id: i64) -> bool {
    raw.get().trim_matches('"').parse() == Ok(id)
}

#[cfg(test)]
mod tests {
    use rmcp::model::{NumberOrString, ProgressToken, RequestMetaObject};
    use serde_json::json;

    use super::{Arguments, Message, read, request};
    use crate::dispatch::setback::Setback;

    #[test]
    fn a_request_carries_its_token_and_its_arguments_as_they_are_written() {
        let values = json!({"raw_input": "hi", "workflow_state": {}});
        let state = r#"{ "n":1.0, "big":123456789012345678901234567890 }"#.to_owned();
        let verbatim = [("workflow_state", state.clone())];
        let arguments = Arguments::read(values.as_object().unwrap(), &verbatim).0.write();
        let mut meta = RequestMetaObject::new();
        meta.set_progress_token(ProgressToken(NumberOrString::Number(7)));
        let text = String::from_utf8(request(7, &meta, &arguments)).unwrap();
        let params = format!(
            r#"{{"_meta":{{"progressToken":7}},"name":"handle_message","arguments":{{"raw_input":"hi","workflow_state":{state}}}}}"#
        );
        assert_eq!(
            text,
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
        );
    }

    #[test]
    fn text_that_is_not_json_is_left_out_and_named() {
        let values = serde_json::Map::new();
        let verbatim = [("entities", "{}".to_owned()), ("metadata", "{".to_owned())];
        let (arguments, broken) = Arguments::read(&values, &verbatim);
        assert_eq!((arguments.write().get(), broken), (r#"{"entities":{}}"#, vec!["metadata"]));
    }

    #[test]
    fn messages_are_told_apart() {
        let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"n":1.0}}"#;
        assert_eq!(read(answer, 7), Ok(Message::Answer(r#"{"n":1.0}"#)));
        assert_eq!(read(&answer.replace(":7", ":\"7\""), 7), Ok(Message::Answer(r#"{"n":1.0}"#)));
        let progress = |token: &str| {
            format!(
                r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1,"message":"a\"b"}}}}"#
            )
        };
        assert_eq!(read(&progress("7"), 7), Ok(Message::Progress("a\"b".into())));
        assert_eq!(read(&progress("8"), 7), Ok(Message::Aside), "of another call");
        let question = r#"{"id":"q","method":"ping"}"#;
        assert_eq!(read(question, 7), Ok(Message::Question { id: "\"q\"", method: "ping".into() }));
        assert_eq!(
            read(r#"{"method":"notifications/message","params":{}}"#, 7),
            Ok(Message::Aside)
        );
    }

    #[test]
    fn errors_and_answers_to_others_are_no_answers() {
        let tool = |is_retryable| Err(Setback::Tool { is_retryable, usage: None });
        assert_eq!(read(r#"{"id":7,"error":{"code":-32603,"message":"x"}}"#, 7), tool(false));
        assert_eq!(read(r#"{"id":null,"error":{"code":-32700,"message":"x"}}"#, 7), tool(false));
        assert_eq!(
            read(r#"{"id":7,"error":{"code":1,"data":{"_meta":{"retryable":true}}}}"#, 7),
            tool(true)
        );
        assert_eq!(
            read(r#"{"id":7,"error":{"code":1,"_meta":{"retryable":true}}}"#, 7),
            tool(true)
        );
        for text in ["", "<html>", "[]", "7", r#"{"id":8,"result":{}}"#, r#"{"id":7}"#] {
            assert!(matches!(read(text, 7), Err(Setback::Unusable { .. })), "{text}");
        }
    }
}
