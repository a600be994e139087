//! What REST shows of things that other services own.

mod agent;
mod budget;
mod handover;
mod session;

pub(crate) use self::agent::{Agent, Breaker, Reload};
pub use self::budget::{Budget, Decision, Report};
pub(crate) use self::handover::Handover;
pub(crate) use self::session::Session;

use serde_json::value::RawValue;

/// JSON that a peer holds as text; an empty text is an empty object.
pub(crate) fn object(text: String) -> Box<RawValue> {
    let text = if text.is_empty() { "{}".to_owned() } else { text };
    RawValue::from_string(text).unwrap_or_else(|error| {
        tracing::error!(%error, "a peer sent JSON that is none");
        RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
    })
}

/// A text that may be missing.
fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
