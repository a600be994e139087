//! A connection at work on the tables, whichever engine they are on.

use std::collections::BTreeSet;

use chassis::Database;
use chassis::database::Pen;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, PgConnection, PgPool, Postgres, Transaction};

use super::found::{Found, FoundDefinition};
use super::rows::Rows;
use super::{Head, Step, postgres, sqlite};
use crate::Error;
use crate::account::Charge;
use crate::fold::{Need, Sheet};
use crate::operation::Operation;

/// How often something is read because of what was read before it: definitions, then charges and resets, then the
/// accounts of those charges, then the present accounts of scopes that were reset.
const ROUNDS_MAX: usize = 5;

/// Where the tables are.
#[derive(Clone, Debug)]
pub(super) enum Vault {
    Postgres(PgPool),
    Sqlite(Pen, AnyPool),
}

/// A connection at work.
pub(super) enum Work {
    Postgres(Connected),
    /// Who writes finds out by the head whether anybody else has written since.
    Sqlite(Pen),
    /// One moment of an embedded file.
    Snapshot(Transaction<'static, Any>),
}

/// A connection to Postgres.
pub(super) enum Connected {
    /// Every statement is a transaction of its own.
    Single(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl Connected {
    fn get(&mut self) -> &mut PgConnection {
        match self {
            Self::Single(connection) => connection,
            Self::Transaction(work) => work,
        }
    }

    async fn end(self, is_good: bool) -> Result<(), sqlx::Error> {
        match self {
            Self::Single(_) => Ok(()),
            Self::Transaction(work) if is_good => work.commit().await,
            Self::Transaction(work) => work.rollback().await,
        }
    }
}

/// Which charges are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those that a call makes are taken as new; a charge that is there already makes the write fail.
    New,
    /// All of them are looked up.
    Nothing,
}

impl Vault {
    pub(super) fn of(database: &Database) -> Result<Self, sqlx::Error> {
        Ok(match database.pen() {
            None => Self::Postgres(postgres::pool(database)?),
            Some(pen) => Self::Sqlite(pen.clone(), database.pool.clone()),
        })
    }

    /// Work that shares the tables with others.
    pub(super) async fn open(&self) -> Result<Work, sqlx::Error> {
        Ok(match self {
            Self::Postgres(pool) => Work::Postgres(Connected::Single(pool.acquire().await?)),
            Self::Sqlite(pen, _) => Work::Sqlite(pen.clone()),
        })
    }

    /// Work that nobody else can come before, and where the head is. On an embedded file somebody can; then nothing is
    /// written.
    pub(super) async fn lock(&self) -> Result<(Work, Head), sqlx::Error> {
        Ok(match self {
            Self::Postgres(pool) => {
                let mut work = pool.begin().await?;
                let head = postgres::lock(&mut work).await?;
                (Work::Postgres(Connected::Transaction(work)), head)
            }
            Self::Sqlite(pen, _) => {
                let head = sqlite::head(&mut *pen.read().await).await?;
                (Work::Sqlite(pen.clone()), head)
            }
        })
    }

    /// Work that sees one moment, whatever others do.
    pub(super) async fn snapshot(&self) -> Result<Work, sqlx::Error> {
        Ok(match self {
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Work::Postgres(Connected::Transaction(pool.begin_with(begin).await?))
            }
            Self::Sqlite(_, pool) => Work::Snapshot(pool.begin().await?),
        })
    }
}

impl Work {
    /// Reads into the sheet what it lacks for the operations.
    pub(super) async fn fill(
        &mut self,
        sheet: &mut Sheet,
        (operations, trust): (&[Operation], Trust),
        now_ms: i64,
    ) -> Result<(), Error> {
        let mut asked = BTreeSet::new();
        for _ in 0..ROUNDS_MAX {
            let need = sheet.need(operations, now_ms, |operation| {
                let is_trusted = trust == Trust::New && matches!(operation, Operation::Reserve(_));
                !is_trusted && operation.charge().is_some_and(|charge| !asked.contains(charge))
            });
            if need.is_empty() {
                break;
            }
            for definition in self.definitions(&need).await? {
                definition.enter(sheet)?;
            }
            for found in self.read(&need).await? {
                found.enter(sheet)?;
            }
            asked.extend(need.charges.iter().cloned());
            sheet.assume_absent(need);
        }
        Ok(())
    }

    /// Whether one of the charges is there.
    pub(super) async fn exists_any(&mut self, charges: BTreeSet<Charge>) -> Result<bool, Error> {
        let need = Need { charges, ..Need::default() };
        Ok(!self.read(&need).await?.is_empty())
    }

    async fn definitions(&mut self, need: &Need) -> Result<Vec<FoundDefinition>, Error> {
        if need.tenants.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Sqlite(pen) => sqlite::definitions(&mut *pen.read().await, need).await,
            Self::Snapshot(work) => sqlite::definitions(work, need).await,
            Self::Postgres(work) => Ok(postgres::definitions(work.get(), need).await?),
        }
    }

    async fn read(&mut self, need: &Need) -> Result<Vec<Found>, Error> {
        if need.charges.is_empty() && need.scopes.is_empty() && need.accounts.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Sqlite(pen) => sqlite::read(&mut *pen.read().await, need).await,
            Self::Snapshot(work) => sqlite::read(work, need).await,
            Self::Postgres(work) => Ok(postgres::read(work.get(), need).await?),
        }
    }

    /// Writes what a batch has changed and commits; or tells that somebody else has written since the step begins, and
    /// writes nothing.
    pub(super) async fn write(mut self, step: Step, rows: Rows) -> Result<bool, Error> {
        let is_written = match &mut self {
            Self::Sqlite(pen) => sqlite::write(pen, step, rows).await?,
            Self::Postgres(work) => postgres::write(work.get(), step, &rows).await?,
            Self::Snapshot(_) => unreachable!("who looks at a moment does not write"),
        };
        self.end(is_written).await?;
        Ok(is_written)
    }

    /// Ends it without a trace.
    pub(super) async fn leave(self) -> Result<(), Error> {
        Ok(self.end(false).await?)
    }

    async fn end(self, is_good: bool) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(work) => work.end(is_good).await,
            Self::Sqlite(_) => Ok(()),
            Self::Snapshot(work) => work.rollback().await,
        }
    }
}
