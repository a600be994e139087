use async_trait::async_trait;

use super::{Entry, Limits, Role, StoreError};
use crate::session::{Owner, Reference, Session, Status};

/// Sessions, as their owners see and steer them.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// A session by its id; of any owner in the tenant when the user is not given.
    async fn session(
        &self,
        tenant: &str,
        user_id: Option<&str>,
        session_id: &str,
    ) -> Result<Session, StoreError>;

    /// The live session that a reference denotes, without making one.
    async fn find(
        &self,
        owner: &Owner,
        reference: &Reference,
        now_ms: i64,
    ) -> Result<Session, StoreError>;

    /// The last visible entries, oldest first.
    async fn entries(&self, session_id: &str, max: i64) -> Result<Vec<Entry>, StoreError>;

    /// Sessions of an owner, newest first.
    async fn list(&self, owner: &Owner, filter: &Filter) -> Result<Vec<Session>, StoreError>;

    /// Stores a new session, or finds the live one that its owner keeps under the same name.
    async fn create(&self, session: &Session) -> Result<Session, StoreError>;

    /// Adds an entry outside a turn, once per request id and role.
    async fn append(&self, entry: &NewEntry) -> Result<Appended, StoreError>;

    /// Replaces the state of the active agent; the state before.
    async fn put_state(
        &self,
        owner: &Owner,
        session_id: &str,
        state_json: &str,
        now_ms: i64,
    ) -> Result<String, StoreError>;

    /// Ends a session; one that has ended stays as it is.
    async fn close(&self, owner: &Owner, closed: &Closed) -> Result<(Session, bool), StoreError>;

    /// Copies what is visible of a session into a new one, or finds the one that was made so before.
    async fn resume(&self, owner: &Owner, resumed: &Resumed)
    -> Result<(Session, bool), StoreError>;
}

/// Which sessions to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this status.
    pub status: Option<Status>,
    /// Only those that began before this one: its time and id.
    pub before: Option<(i64, String)>,
    /// At most so many.
    pub limit: i64,
}

/// An entry that is added outside a turn.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Whose session it is.
    pub owner: Owner,
    /// The session.
    pub session_id: String,
    /// The request that adds it.
    pub request_id: String,
    /// Who said it.
    pub role: Role,
    /// Which agent said it; empty: the active one.
    pub agent_id: String,
    /// What was said.
    pub content: String,
    /// What the user wanted.
    pub intent_summary: String,
    /// The time.
    pub now_ms: i64,
    /// The bounds.
    pub limits: Limits,
}

/// An entry was added, or had been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How many entries are visible.
    pub turn_count: i64,
}

/// How a session is ended.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The session.
    pub session_id: String,
    /// As what.
    pub status: Status,
    /// What it was about; empty keeps what is known.
    pub summary: String,
    /// The time.
    pub now_ms: i64,
}

/// How a session is resumed.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// The session to go on with.
    pub prior_session_id: String,
    /// The id of the new one.
    pub session_id: String,
    /// The agents that are loaded.
    pub agents: Vec<String>,
    /// The time.
    pub now_ms: i64,
    /// The bounds.
    pub limits: Limits,
}
