//! Where conversations are kept: three small ports that one adapter serves, each method one atomic step.

use std::sync::Arc;

mod chores;
pub mod past;
mod sessions;
mod sql;
#[cfg(test)]
mod tests;
mod turns;

pub use self::chores::{Chores, Order, Orphan, Outgoing, Settlement, Used};
pub use self::sessions::{Appended, Closed, Filter, NewEntry, Resumed, Sessions};
pub use self::sql::SqlStore;
pub use self::turns::{
    Acceptance, Accepted, Entry, Known, Lease, Limits, Mark, Page, Place, Renewal, Role, Scene,
    Turns, Verdict,
};

/// All that a conversation store does.
pub trait Store: Turns + Sessions + Chores {}

impl<T: Turns + Sessions + Chores> Store for T {}

/// The store as it is handed around.
pub type Shared = Arc<dyn Store>;

/// Why a step was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not there, or somebody else's.
    #[error("there is no such session")]
    NotFound,
    /// It has ended.
    #[error("the session has ended")]
    Closed,
    /// Too many turns wait.
    #[error("too many turns of the session wait")]
    Busy,
    /// Somebody else has taken the turn over.
    #[error("the turn is no longer held by this router")]
    Lost,
    /// Somebody else was faster, again and again.
    #[error("the session changed meanwhile")]
    Contended,
    /// A row does not say what it should.
    #[error("{0} is unreadable")]
    Corrupt(&'static str),
    /// Too much waits to be written.
    #[error(transparent)]
    Full(#[from] chassis::batch::Full),
    /// The database failed.
    #[error("the conversation store failed: {0}")]
    Database(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}
