//! What a turn has understood, and what it has done so far.

use std::future::Future;

use tokio::time::Instant;

use super::Turn;
use crate::body::{Answer, Budget, Passed, Usage};
use crate::ending::Headers;
use crate::error::Error;
use crate::session::{Classified, position};
use crate::store::{Entry, Role, Settlement};

/// The name under which the mesh itself speaks.
pub(super) const MESH: &str = "mesh";

/// What the user is taken to want.
#[derive(Clone, Debug, Default)]
pub(super) struct Sense {
    /// The text that agents get.
    pub text: String,
    /// In a few words.
    pub intent_summary: String,
    /// In which language.
    pub language: String,
    /// What the text names; one JSON object.
    pub entities_json: String,
    /// How sure it is.
    pub confidence: f64,
    /// What the session is to remember of it; absent when nothing was classified.
    pub classified: Option<Classified>,
    /// How often the user was asked before this message; 0 when it answers nothing.
    pub attempts: i64,
}

/// What a turn has done so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Who has had a say, or was to have one.
    pub visited: Vec<String>,
    /// What was said since the user spoke.
    pub said: Vec<Entry>,
    /// Who took over from whom.
    pub handoffs: Vec<Passed>,
    /// What all calls used.
    pub usage: Usage,
    /// What the budget said last.
    pub budget: Budget,
    /// The tightest budget, after the last charge.
    pub headers: Option<Headers>,
    /// Charges that the budget service has not confirmed.
    pub owed: Vec<Settlement>,
    /// How many calls were prepared.
    pub dispatches: i64,
    /// How many agents took over.
    pub hops: i64,
    /// How many will have when the agent that speaks now has answered.
    pub hop: i64,
    /// The last answer, which stands unless a better one comes.
    pub answer: Option<Answer>,
}

impl Turn {
    /// Lets something take until the turn ends, is stopped, or is lost.
    pub(super) async fn bounded<F: Future>(&self, work: F) -> Result<F::Output, Error> {
        tokio::select! {
            biased;
            () = self.tenure.stop.cancelled() => Err(self.stopped()),
            output = work => Ok(output),
            () = tokio::time::sleep_until(self.deadline) => Err(Error::TurnTimeout),
        }
    }

    /// Why the turn was stopped.
    pub(super) fn stopped(&self) -> Error {
        if self.tenure.is_lost() { Error::Lost } else { Error::Cancelled }
    }

    /// How much time the turn has left.
    pub(super) fn left(&self) -> std::time::Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long the turn has taken.
    pub(super) fn duration_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Who holds slots for this turn: its session, or itself when it has none.
    pub(super) fn holder(&self) -> &str {
        let lease = &self.tenure.lease;
        if lease.is_anonymous { &lease.turn_id } else { &lease.session_id }
    }

    /// Something that an agent says now, in its place of the session.
    pub(super) fn entry(&self, agent_id: &str, content: &str, now_ms: i64) -> Entry {
        let place = i64::try_from(self.progress.said.len()).unwrap_or(i64::MAX).saturating_add(1);
        Entry {
            position: position(self.tenure.lease.seq, place),
            request_id: self.ask.context.request_id.clone(),
            role: Role::Agent,
            agent_id: agent_id.to_owned(),
            content: content.to_owned(),
            intent_summary: self.sense.intent_summary.clone(),
            timestamp_ms: now_ms,
        }
    }

    /// What the user said, as an entry.
    pub(super) fn user_entry(&self, now_ms: i64) -> Entry {
        Entry {
            position: position(self.tenure.lease.seq, 0),
            role: Role::User,
            agent_id: String::new(),
            ..self.entry("", &self.ask.input, now_ms)
        }
    }
}
