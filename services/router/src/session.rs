//! The rules of a session (contract, section 14): when it lives, what each event makes of it, and where its entries
//! stand. How sessions are stored is the matter of `store`.

use crate::clarification::Pending;

mod change;
#[cfg(test)]
mod tests;

pub use self::change::{Change, Classified, Switch};

/// How many places each turn has for entries: the user's, and one of each agent that speaks.
pub const PLACES_PER_TURN: i64 = 64;

/// Whom a session belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The business.
    pub tenant: String,
    /// The customer.
    pub user_id: String,
}

/// What a client names its session by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Nothing: the one that was used last.
    Latest,
    /// A session id, or a name of the client's own.
    Named(String),
}

impl Reference {
    /// The reference in a request; empty counts as none.
    #[must_use]
    pub fn of(text: Option<String>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Latest, Self::Named)
    }

    /// The name under which a new session is kept; empty when the client gave none.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Latest => "",
            Self::Named(name) => name,
        }
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It takes messages.
    #[default]
    Active,
    /// Its purpose was reached, or its owner ended it.
    Completed,
    /// Nobody came back.
    Abandoned,
    /// It failed.
    Error,
}

impl Status {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
            Self::Error => "error",
        }
    }

    /// The status of a name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Completed, Self::Abandoned, Self::Error]
            .into_iter()
            .find(|status| status.name().eq_ignore_ascii_case(name))
    }
}

/// Who a user is, beyond the id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The id under which the business knows the person.
    pub employee_id: String,
    /// The name for people.
    pub display_name: String,
}

/// One conversation of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Its id, a UUID of the mesh.
    pub session_id: String,
    /// Whom it belongs to.
    pub owner: Owner,
    /// The client's own name for it; empty when there is none.
    pub external_key: String,
    /// Who the user is.
    pub profile: Profile,
    /// Where it stands.
    pub status: Status,
    /// Who answers; empty before the first answer.
    pub active_agent: String,
    /// The language of the last classification; empty before it.
    pub language: String,
    /// The agent of the last classification.
    pub intent: String,
    /// What that classification said.
    pub intent_summary: String,
    /// How many entries it has.
    pub entry_count: i64,
    /// The number of the turn accepted last.
    pub last_seq: i64,
    /// How many turns wait or run.
    pub open_turns: i64,
    /// Raised by every write.
    pub version: i64,
    /// When it began.
    pub created_ms: i64,
    /// When it was last written to.
    pub updated_ms: i64,
    /// When it ends unless something happens; absent once it has.
    pub expires_ms: Option<i64>,
    /// When it ended.
    pub closed_ms: Option<i64>,
    /// The session that it continues; empty when there is none.
    pub prior_session_id: String,
    /// How many entries it took over from there.
    pub carried: i64,
    /// What its owner says it was about.
    pub summary: String,
    /// The metadata of its first turn, one JSON object.
    pub metadata_json: String,
    /// A question that waits for its answer.
    pub pending: Option<Pending>,
    /// What the active agent was told when it took over; empty when it did not take over.
    pub brief_json: String,
    /// The position from which the active agent reads the history.
    pub history_from: i64,
}

/// No further turn can be taken in: too many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Session {
    /// Whether it takes messages.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Whether its time is over. A turn under way keeps it alive.
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        let is_past = self.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms);
        self.is_active() && self.open_turns == 0 && is_past
    }

    /// Notes that something happened, which puts off the expiry of a session that lives.
    pub fn touch(&mut self, now_ms: i64, ttl_ms: i64) {
        self.updated_ms = self.updated_ms.max(now_ms);
        if self.is_active() {
            self.expires_ms = Some(now_ms.saturating_add(ttl_ms));
        }
    }

    /// Takes in another turn, unless one runs and `queue_max` wait already; returns its number.
    pub fn admit(&mut self, queue_max: i64) -> Result<i64, Busy> {
        if queue_max < self.open_turns {
            return Err(Busy);
        }
        self.open_turns += 1;
        self.last_seq += 1;
        Ok(self.last_seq)
    }

    /// Ends it, once.
    pub fn close(&mut self, status: Status, now_ms: i64) {
        if !self.is_active() {
            return;
        }
        self.status = status;
        self.closed_ms = Some(now_ms);
        self.updated_ms = self.updated_ms.max(now_ms);
        self.expires_ms = None;
        self.pending = None;
    }

    /// The question that a message at this time answers.
    #[must_use]
    pub fn asked(&self, now_ms: i64) -> Option<&Pending> {
        self.pending.as_ref().filter(|pending| now_ms < pending.expires_ms)
    }

    /// How many entries are visible.
    #[must_use]
    pub fn visible(&self, max: i64) -> i64 {
        self.entry_count.min(max)
    }

    /// A new session that goes on where this one stopped, without the agent when it is gone.
    #[must_use]
    pub fn resumed(&self, session_id: String, now_ms: i64, max: i64) -> Self {
        Self {
            session_id,
            owner: self.owner.clone(),
            external_key: self.session_id.clone(),
            profile: self.profile.clone(),
            active_agent: self.active_agent.clone(),
            language: self.language.clone(),
            intent: self.intent.clone(),
            intent_summary: self.intent_summary.clone(),
            entry_count: self.visible(max),
            last_seq: self.last_seq,
            version: 1,
            created_ms: now_ms,
            updated_ms: now_ms,
            prior_session_id: self.session_id.clone(),
            carried: self.visible(max),
            metadata_json: self.metadata_json.clone(),
            brief_json: self.brief_json.clone(),
            history_from: self.history_from,
            ..Self::default()
        }
    }
}

/// The first position of a turn's entries, so that a conversation reads in the order of its turns.
#[must_use]
pub fn position(seq: i64, place: i64) -> i64 {
    seq.saturating_mul(PLACES_PER_TURN).saturating_add(place.min(PLACES_PER_TURN - 1))
}
