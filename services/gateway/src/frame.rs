//! The events of a turn as clients see them: one envelope for sockets and streams.

mod payload;

use axum::extract::ws::Utf8Bytes;
use proto::v1::TurnEvent;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// A frame, rendered once for all who receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its type.
    pub(crate) kind: String,
    /// The turn that it belongs to, if any.
    pub(crate) request_id: Option<String>,
    /// Its place within the turn.
    pub(crate) seq: Option<u64>,
    /// The envelope as JSON.
    pub(crate) text: Utf8Bytes,
}

/// What an envelope says beside its type and payload.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks<'a> {
    pub(crate) session_id: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) seq: Option<u64>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(rename = "sessionId", skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

impl Frame {
    /// A frame of this type.
    pub(crate) fn new(kind: &str, payload: Option<&RawValue>, marks: Marks<'_>) -> Self {
        let Marks { session_id, request_id, seq } = marks;
        let envelope = Envelope { r#type: kind, payload, session_id, request_id, seq };
        let text = serde_json::to_string(&envelope).expect("an envelope is JSON");
        Self {
            kind: kind.to_owned(),
            request_id: request_id.map(str::to_owned),
            seq,
            text: text.into(),
        }
    }

    /// A frame without payload.
    pub(crate) fn bare(kind: &str) -> Self {
        Self::new(kind, None, Marks::default())
    }

    /// A failure, of a turn or of a frame that the client sent.
    pub(crate) fn of_problem(problem: &Problem, marks: Marks<'_>) -> Self {
        let body = RawValue::from_string(problem.body(marks.request_id.unwrap_or_default()));
        Self::new("error", Some(&body.expect("a problem is JSON")), marks)
    }

    /// An event of a turn as sockets and subscriptions see it; nothing when it says nothing.
    pub(crate) fn of_event(event: &TurnEvent) -> Option<Self> {
        let (kind, payload) = payload::of(event)?;
        let kind = if kind == "accepted" { "processing" } else { kind };
        Some(Self::of_turn(kind, &payload, event))
    }

    /// An event of a turn as the one who asked for it as a stream sees it.
    pub(crate) fn of_own_event(event: &TurnEvent) -> Option<Self> {
        let (kind, payload) = payload::of(event)?;
        Some(Self::of_turn(kind, &payload, event))
    }

    fn of_turn(kind: &str, payload: &RawValue, event: &TurnEvent) -> Self {
        let marks = Marks {
            session_id: Some(event.session_id.as_str()).filter(|id| !id.is_empty()),
            request_id: Some(&event.request_id),
            seq: Some(event.seq),
        };
        Self::new(kind, Some(payload), marks)
    }

    /// By what a stream resumes after it.
    pub(crate) fn id(&self) -> Option<String> {
        Some(format!("{}:{}", self.request_id.as_deref()?, self.seq?))
    }

    /// Whether it ends its turn.
    pub(crate) fn is_last(&self) -> bool {
        self.seq.is_some() && (self.kind == "result" || self.kind == "error")
    }
}

#[cfg(test)]
mod tests;
