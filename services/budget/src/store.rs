//! Where money is kept. Each method is one atomic step.

use async_trait::async_trait;

use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::batch::Answers;
use crate::fold::Sheet;
use crate::operation::Operation;
use crate::policy::{Definition, Scope};
use crate::proof::{Explanation, Page, Verified};

mod names;
mod place;
mod proof;
mod report;
mod rows;
mod sheet;
pub(crate) mod sql;

pub use place::Place;

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
    pub after: Option<Place>,
    /// At most so many.
    pub limit: i64,
}

impl Filter {
    /// The scope that it names.
    #[must_use]
    pub fn owner(&self) -> Owner {
        let scope = Scope { kind: self.kind.clone(), key: self.key.clone() };
        Owner { tenant: self.tenant.clone(), scope }
    }
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

    /// All that the operations would work on, in one look.
    async fn look(&self, operations: &[Operation], now_ms: i64) -> Result<Sheet, Error>;

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

    /// Starts the account of a scope anew; gives the new period and what was spent in the old one.
    async fn reset(&self, owner: &Owner, now_ms: i64) -> Result<(String, i64), Error>;

    /// Rows of the ledger in the order of time.
    async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Error>;

    /// Adds up a page of accounts.
    async fn verify(&self, page: &Page) -> Result<Verified, Error>;

    /// What the balance of the account that the filter names is made of, with a page of its ledger.
    async fn explain(&self, filter: &Filter) -> Result<Explanation, Error>;

    /// Events of a tenant after this one, in the order of commits.
    async fn events(&self, tenant: &str, after: i64, limit: i64)
    -> Result<Vec<StoredEvent>, Error>;

    /// The last event.
    async fn last_event(&self) -> Result<i64, Error>;
}
