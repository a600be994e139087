//! Where transfers are kept: one port, each method one atomic step, each state change together with its event.

use async_trait::async_trait;

use crate::transfer::{State, Transfer};

mod row;
mod sql;

pub(crate) use sql::SqlStore;

/// The most transfers or events that one call returns.
pub(crate) const ROWS_MAX: i64 = 1_000;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Somebody else changed the transfer first.
    #[error("handoff {0} was changed by another caller")]
    Stale(String),
    /// A row does not say what it should.
    #[error("handoff {id} has an unreadable {column}")]
    Corrupt {
        /// The transfer.
        id: String,
        /// The column.
        column: &'static str,
    },
    /// The database failed.
    #[error("the handoff store failed")]
    Database(#[from] sqlx::Error),
}

/// What became of a wish to begin.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is new.
    Created,
    /// The id was known; this is what is stored.
    Known(Box<Transfer>),
}

/// Which transfers to list; oldest change first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only of this tenant.
    pub(crate) tenant: Option<String>,
    /// Only of this user.
    pub(crate) user_id: Option<String>,
    /// Only in these states; empty means any.
    pub(crate) states: Vec<State>,
    /// Only of this session.
    pub(crate) session_id: Option<String>,
    /// Only those whose lease ended before.
    pub(crate) lease_before_ms: Option<i64>,
    /// Only those that expired before.
    pub(crate) expires_before_ms: Option<i64>,
    /// At most so many.
    pub(crate) limit: i64,
}

/// A state change that somebody outside may want to know.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Event {
    /// The transfer.
    pub(crate) handoff_id: String,
    /// Which of its changes.
    pub(crate) version: i64,
    /// `handoff.<state>`.
    pub(crate) event_type: String,
    /// What happened, as one JSON object.
    pub(crate) payload_json: String,
    /// When.
    pub(crate) created_ms: i64,
}

/// The store of transfers.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Stores a new transfer with its event, unless the id is known.
    async fn begin(&self, transfer: &Transfer) -> Result<Begun, StoreError>;

    /// Stores one state change with its event, unless someone else changed the transfer since it was read; raises the
    /// version.
    async fn save(&self, transfer: &mut Transfer) -> Result<(), StoreError>;

    /// The transfer of this id.
    async fn find(&self, handoff_id: &str) -> Result<Option<Transfer>, StoreError>;

    /// The transfers that pass the filter.
    async fn list(&self, filter: &Filter) -> Result<Vec<Transfer>, StoreError>;

    /// The oldest events that were not delivered.
    async fn events(&self, limit: i64) -> Result<Vec<Event>, StoreError>;

    /// Forgets an event that was delivered.
    async fn delivered(&self, event: &Event) -> Result<(), StoreError>;

    /// Forgets older events, and what was told of conversations in transfers that ended earlier; at most `ROWS_MAX` of
    /// each at once. Says how many.
    async fn forget_before(&self, at_ms: i64) -> Result<u64, StoreError>;
}
