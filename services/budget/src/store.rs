//! Where money is kept. Each method is one atomic step.

use async_trait::async_trait;

use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::batch::Answers;
use crate::ledger::Book;
use crate::operation::{Operation, Reserve, Verdict};
use crate::policy::Definition;

mod report;
mod rows;
mod sheet;
pub(crate) mod sql;

pub(crate) use report::cursor as report_cursor;

/// What entries are asked for. Empty and absent parts ask for all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Whose.
    pub tenant: String,
    /// Of which scope type.
    pub kind: String,
    /// Of which scope key.
    pub key: String,
    /// In which period.
    pub period_id: String,
    /// Of which charge.
    pub charge_id: String,
    /// From when on.
    pub from_ms: Option<i64>,
    /// Until before when.
    pub to_ms: Option<i64>,
    /// After this place in the order of time and charge.
    pub cursor: String,
    /// At most so many.
    pub limit: i64,
}

/// An event as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredEvent {
    /// Its place in the order of commits.
    pub id: i64,
    /// Its type.
    pub kind: String,
    /// Whose account.
    pub tenant: String,
    /// Of which scope type.
    pub scope_type: String,
    /// Of which scope key.
    pub scope_key: String,
    /// In which period.
    pub period_id: String,
    /// What it says, as JSON.
    pub payload: String,
    /// When.
    pub timestamp_ms: i64,
}

/// The store of definitions, accounts, reservations, ledger and events.
#[async_trait]
pub trait Store: Send + Sync {
    /// Folds the operations over the accounts and commits once.
    async fn commit(&self, operations: &[Operation], now_ms: i64) -> Result<Answers, Error>;

    /// What a reserve would be answered.
    async fn check(&self, ask: &Reserve, now_ms: i64) -> Result<Verdict, Error>;

    /// Holds that are past their time.
    async fn overdue(&self, now_ms: i64, limit: i64) -> Result<Vec<Charge>, Error>;

    /// How many holds are open.
    async fn open_count(&self) -> Result<i64, Error>;

    /// Stores a definition under the next version; tells whether it is new.
    async fn put(
        &self,
        tenant: &str,
        definition: &Definition,
        create_only: bool,
    ) -> Result<(Definition, bool), Error>;

    /// One definition.
    async fn get(&self, owner: &Owner) -> Result<Option<Definition>, Error>;

    /// All definitions of a tenant.
    async fn list(&self, tenant: &str) -> Result<Vec<Definition>, Error>;

    /// Removes a definition; tells whether there was one.
    async fn delete(&self, owner: &Owner) -> Result<bool, Error>;

    /// Whether there is any definition, of any tenant.
    async fn is_empty(&self) -> Result<bool, Error>;

    /// The present book of a scope.
    async fn book(&self, owner: &Owner, now_ms: i64) -> Result<Book, Error>;

    /// Starts the account of a scope anew; gives the new period and what was spent in the old one.
    async fn reset(&self, owner: &Owner, now_ms: i64) -> Result<(String, i64), Error>;

    /// Rows of the ledger in the order of time.
    async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Error>;

    /// Events of a tenant after this one, in the order of commits.
    async fn events(&self, tenant: &str, after: i64, limit: i64)
    -> Result<Vec<StoredEvent>, Error>;

    /// The last event.
    async fn last_event(&self) -> Result<i64, Error>;
}
