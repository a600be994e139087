//! Who is to speak next, and who would like somebody else to.

use std::time::Instant;

use proto::v1::{CompressedContext, Trigger};
use rand::Rng as _;

use crate::error::Error;

/// The agent that is to speak next.
#[derive(Debug)]
pub(super) struct Seat {
    /// The agent.
    pub agent_id: String,
    /// The handoff by which it takes over.
    pub pass: Option<Box<Pass>>,
    /// Whether it only stands in for the session's agent.
    pub is_stand_in: bool,
    /// Whether another agent may stand in for it.
    pub may_fail_over: bool,
}

/// A handoff that an agent has accepted, and that is not committed yet.
#[derive(Debug)]
pub(super) struct Pass {
    /// What it began with.
    pub wish: Wish,
    /// What the receiver is told.
    pub brief: CompressedContext,
}

/// The wish that another agent take over.
#[derive(Debug)]
pub(super) struct Wish {
    /// The handoff.
    pub handoff_id: String,
    /// Who passes the user on.
    pub source: String,
    /// Why, and to whom.
    pub trigger: Trigger,
    /// What the source wants the receiver to know.
    pub summary: String,
    /// Who has accepted and then failed.
    pub failed: Vec<String>,
    /// What happens when nobody takes over.
    pub otherwise: Otherwise,
    /// When it began.
    pub began: Instant,
}

/// What happens when nobody takes over.
#[derive(Debug)]
pub(super) enum Otherwise {
    /// The source has answered, and that stands.
    Stand,
    /// The source answers after all.
    Attend(Box<Seat>),
    /// The turn fails.
    Fail(Error),
}

impl Seat {
    /// The agent that the turn goes to by itself.
    pub(super) fn of(agent_id: impl Into<String>) -> Self {
        Self { agent_id: agent_id.into(), pass: None, is_stand_in: false, may_fail_over: true }
    }
}

impl Wish {
    /// A new handoff away from an agent.
    pub(super) fn new(source: &str, trigger: Trigger, otherwise: Otherwise, now_ms: i64) -> Self {
        Self {
            handoff_id: handoff_id(now_ms),
            source: source.to_owned(),
            trigger,
            summary: String::new(),
            failed: Vec::new(),
            otherwise,
            began: Instant::now(),
        }
    }
}

/// A fresh id, as in `handoff-1767225600000-9f3a2c10`.
pub(super) fn handoff_id(now_ms: i64) -> String {
    format!("handoff-{now_ms}-{:08x}", rand::rng().random::<u32>())
}
