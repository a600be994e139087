//! What a candidate's words mean.

use serde::Deserialize;
use serde_json::Value;

use super::{Refusal, Reply};

/// What sort of reason keeps a candidate from taking over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It cannot do what is asked.
    CapabilityMismatch,
    /// It has too much to do.
    Overloaded,
    /// It cannot use what it was sent.
    InvalidPayload,
    /// It did not answer in time.
    Timeout,
    /// It cannot be reached.
    Unavailable,
    /// Something else, or nothing that could be read.
    Unknown,
}

const NAMES: [(Class, &str); 6] = [
    (Class::CapabilityMismatch, "capability_mismatch"),
    (Class::Overloaded, "overloaded"),
    (Class::InvalidPayload, "invalid_payload"),
    (Class::Timeout, "timeout"),
    (Class::Unavailable, "unavailable"),
    (Class::Unknown, "unknown"),
];

impl Class {
    /// The name on the wire.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(class, _)| *class == self).expect("every class has a name").1
    }

    fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(class, _)| *class)
    }

    /// What an HTTP status that is no success says.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            400 | 413 | 415 | 422 => Self::InvalidPayload,
            404 | 405 | 501 => Self::CapabilityMismatch,
            408 | 504 => Self::Timeout,
            429 | 503 => Self::Overloaded,
            500..=599 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

/// The most characters of a candidate's message that are kept.
const MESSAGE_MAX: usize = 500;

#[derive(Deserialize)]
struct Answer {
    accepted: bool,
    #[serde(default, alias = "responseCode")]
    response_code: Value,
    #[serde(default)]
    message: Value,
}

/// Reads an answer; nothing when it is not one.
pub(super) fn read(answer: Value) -> Option<Reply> {
    let answer: Answer = serde_json::from_value(answer).ok()?;
    if answer.accepted {
        return Some(Reply::Accepted);
    }
    let code = answer.response_code.as_str().unwrap_or_default().to_lowercase();
    let said = answer.message.as_str().unwrap_or_default();
    // A refusal is stored and shown, and not every store and screen takes every character.
    let message: String = said.chars().filter(|c| !c.is_control()).take(MESSAGE_MAX).collect();
    let reason = if message.is_empty() { "the agent refused".to_owned() } else { message };
    Some(Reply::Refused(Refusal::new(Class::parse(&code).unwrap_or(Class::Unknown), reason)))
}
