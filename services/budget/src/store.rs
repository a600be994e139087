//! Where money is kept. Each method is one atomic step.

use std::sync::Arc;

use async_trait::async_trait;

use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::analytics::{Group, Pace, Row};
use crate::batch::Answers;
use crate::fold::{Changes, Sheet};
use crate::operation::Operation;
use crate::policy::{Definition, Scope};
use crate::proof::{Explanation, Page, Verified};

mod found;
mod names;
mod place;
mod postgres;
mod proof;
mod report;
mod rows;
mod spend;
pub(crate) mod sql;
mod sqlite;
mod work;

pub use place::Place;

/// Where the tables stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
struct Head {
    /// Counts the batches.
    seq: i64,
    /// Counts the changes of definitions.
    definitions: i64,
    /// The last event.
    events: i64,
}

/// From where to where a batch moves the head.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: Head,
    to: Head,
}

impl Head {
    fn step(self, changes: &Changes) -> Step {
        let told = i64::try_from(changes.events.len()).unwrap_or(i64::MAX);
        let to = Self {
            seq: self.seq + 1,
            definitions: self.definitions + i64::from(!changes.definitions.is_empty()),
            events: self.events + told,
        };
        Step { from: self, to }
    }
}

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

/// What a report is asked for.
#[derive(Clone, Debug)]
pub struct Spend {
    /// Of which entries.
    pub filter: Filter,
    /// With a line for what.
    pub group: Group,
    /// From when on spending counts as recent.
    pub since_ms: i64,
}

/// What was spent.
#[derive(Clone, Debug)]
pub struct Spent {
    /// The lines, by their names.
    pub rows: Vec<Row>,
    /// The scopes, by their names.
    pub paces: Vec<Pace>,
    /// Whether there are more lines or scopes, with less spend.
    pub is_partial: bool,
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

/// Whom a store tells what it has decided and is about to write.
pub type Decided<'a> = &'a (dyn Fn(&Answers) + Send + Sync);

/// The store of definitions, accounts, reservations, ledger and events.
#[async_trait]
pub trait Store: Send + Sync {
    /// Folds the operations over the accounts and commits once.
    async fn commit(&self, operations: &[Operation], now_ms: i64) -> Result<Answers, Error> {
        self.commit_telling(operations, now_ms, &|_| ()).await
    }

    /// Commits, and tells before that what was decided. A batch that was decided on what is no longer true is decided,
    /// and told, again.
    async fn commit_telling(
        &self,
        operations: &[Operation],
        now_ms: i64,
        decided: Decided<'_>,
    ) -> Result<Answers, Error>;

    /// All that the operations would work on, in one look.
    async fn look(&self, operations: &[Operation], now_ms: i64) -> Result<Sheet, Error>;

    /// Holds that are past their time.
    async fn overdue(&self, now_ms: i64, limit: i64) -> Result<Vec<Charge>, Error>;

    /// How many holds are open.
    async fn open_count(&self) -> Result<i64, Error>;

    /// All definitions of a tenant.
    async fn list(&self, tenant: &str) -> Result<Vec<Arc<Definition>>, Error>;

    /// Whether there is any definition, of any tenant.
    async fn is_empty(&self) -> Result<bool, Error>;

    /// Rows of the ledger in the order of time.
    async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Error>;

    /// What was spent, in one look.
    async fn spend(&self, asked: &Spend) -> Result<Spent, Error>;

    /// Adds up a page of accounts.
    async fn verify(&self, page: &Page) -> Result<Verified, Error>;

    /// What the balance of the account that the filter names is made of, with a page of its ledger.
    async fn explain(&self, filter: &Filter) -> Result<Explanation, Error>;

    /// Events of a tenant, or of all, after this one, in the order of commits.
    async fn events(
        &self,
        tenant: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, Error>;

    /// The last event.
    async fn last_event(&self) -> Result<i64, Error>;

    /// The last event that was delivered, for one who may deliver the next until a time; none while it is somebody
    /// else's turn, or nothing has happened since.
    async fn claim_mail(&self, now_ms: i64, until_ms: i64) -> Result<Option<i64>, Error>;

    /// Notes the last event that was delivered, and from when on the next may be.
    async fn mailed(&self, last: i64, due_ms: i64) -> Result<(), Error>;
}

#[cfg(test)]
mod tests;
