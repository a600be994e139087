//! What is told of an account, once per period and value.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::account::Owner;
use crate::policy::ONE;

/// Something that is told once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mark {
    /// The account is called something else now: from, to.
    State(String, String),
    /// This part of the limit is spent, in millionths.
    Threshold(i64),
    /// The first denial, or the first time that nothing is left.
    HardStop,
    /// From one model to another.
    Downgrade(String, String),
    /// Tools that a call goes without.
    Tools(Vec<String>),
    /// A model that no price is known of.
    UnknownModel(String),
    /// The account was started anew.
    Reset,
}

/// An event of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its type.
    pub kind: &'static str,
    /// Whose account.
    pub owner: Owner,
    /// In which period.
    pub period_id: String,
    /// What it says, as JSON.
    pub payload: String,
    /// When.
    pub timestamp_ms: i64,
}

impl Event {
    /// The event of a mark; `money` is what is spent, and of which limit.
    #[must_use]
    pub fn new(
        owner: &Owner,
        period_id: &str,
        mark: Mark,
        money: (i64, Option<i64>),
        now_ms: i64,
    ) -> Self {
        let (spent_micros, limit_micros) = money;
        let (kind, payload) = match mark {
            Mark::State(from, to) => ("state-change", json!({"from": from, "to": to})),
            Mark::Threshold(part) => {
                let threshold = format!("{}.{:06}", part / ONE, part % ONE);
                let threshold = threshold.trim_end_matches('0').trim_end_matches('.').to_owned();
                let payload = json!({"threshold": threshold, "spent_micros": spent_micros, "limit_micros": limit_micros});
                ("threshold-breach", payload)
            }
            Mark::HardStop => {
                ("hard-stop", json!({"spent_micros": spent_micros, "limit_micros": limit_micros}))
            }
            Mark::Downgrade(from, to) => ("model-downgrade", json!({"from": from, "to": to})),
            Mark::Tools(tools) => ("tools-disabled", json!({"tools": tools})),
            Mark::UnknownModel(model) => ("unknown-model", json!({"model": model})),
            Mark::Reset => ("budget-reset", json!({"previous_spent_micros": spent_micros})),
        };
        let (owner, period_id) = (owner.clone(), period_id.to_owned());
        Self { kind, owner, period_id, payload: payload.to_string(), timestamp_ms: now_ms }
    }
}
