//! How far a conversation at the booking desk has come: what this desk wants back with the next message.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// A visit in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Draft {
    /// The handoff under which this desk answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) handoff_id: Option<String>,
    /// What the customer wants done.
    pub(crate) goal: Goal,
    /// The id of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    /// The day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<Date>,
    /// The time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Time>,
    /// The part of the day that suits, as long as there is no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<(Time, Time)>,
    /// The name for the visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The visit to move or cancel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// What the last question was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<Missing>,
    /// What the customer may choose from with `the first one`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) offered: Vec<(Date, Time)>,
}

/// What a customer wants done with a visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// Make one.
    #[default]
    Book,
    /// Move one that was made.
    Move,
    /// Cancel one that was made.
    Cancel,
    /// Say when one is that was made.
    Tell,
}

/// What a visit cannot be made without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    /// What is to be done.
    Service,
    /// On which day.
    Day,
    /// At what time.
    Time,
    /// For whom.
    Name,
    /// Which visit.
    Reference,
}

impl Draft {
    /// Whether the customer has begun to tell what they want.
    #[must_use]
    pub(crate) fn is_begun(&self) -> bool {
        self.asked.is_some() || self.service.is_some() || self.date.is_some() || self.time.is_some()
    }
}
