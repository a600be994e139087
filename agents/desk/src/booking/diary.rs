//! The diary: visits that were made, in SQLite. A page of it is one exclusive transaction, so that what is decided on
//! what was read holds when it is written.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{FromRow, Sqlite, Transaction};

use super::decide::Change;
use super::slots::{Taken, cells};

/// How long a page may wait for another.
const BUSY_LIMIT: Duration = Duration::from_secs(5);
/// How long the answer to a call is kept.
const REPLIES_KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// The most visits of one customer that are looked at.
const VISITS_MAX: i64 = 20;

/// A visit that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// What the customer names it by.
    pub(crate) reference: String,
    /// The id of the service.
    pub(crate) service: String,
    /// Where it is done.
    pub(crate) place: String,
    /// Which of the seats there.
    pub(crate) seat: i64,
    /// When it begins.
    pub(crate) start_ms: i64,
    /// How long it takes.
    pub(crate) minutes: i64,
    /// For whom.
    pub(crate) name: String,
    /// Who booked it, as the mesh knows them.
    pub(crate) customer: String,
    /// Whether it is off.
    pub(crate) is_cancelled: bool,
}

/// The diary of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    pool: SqlitePool,
}

/// One exclusive look at the diary; dropped without a commit, it has changed nothing.
#[derive(Debug)]
pub(crate) struct Page {
    transaction: Transaction<'static, Sqlite>,
}

impl Diary {
    /// Opens the file, and makes it if it is not there.
    pub(crate) async fn open(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_LIMIT);
        // SQLite has one writer, and queueing here is fairer than its lock.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY_LIMIT)
            .connect_with(options)
            .await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Takes a look that nobody else can change the diary during.
    pub(crate) async fn page(&self) -> Result<Page, sqlx::Error> {
        Ok(Page { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await? })
    }
}

impl Page {
    /// What was answered to this call, if it changed the diary.
    pub(crate) async fn reply(
        &mut self,
        session_id: &str,
        request_id: &str,
    ) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar("SELECT reply FROM replies WHERE session_id = $1 AND request_id = $2")
            .bind(session_id)
            .bind(request_id)
            .fetch_optional(&mut *self.transaction)
            .await
    }

    /// What is taken from a moment on.
    pub(crate) async fn taken(&mut self, from_ms: i64) -> Result<Taken, sqlx::Error> {
        let first = cells(from_ms, 0).start;
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("SELECT place, seat, cell FROM taken WHERE cell >= $1")
                .bind(first)
                .fetch_all(&mut *self.transaction)
                .await?;
        let mut taken = Taken::default();
        for (place, seat, cell) in rows {
            taken.take(&place, seat, [cell]);
        }
        Ok(taken)
    }

    /// The visit with this reference.
    pub(crate) async fn find(&mut self, reference: &str) -> Result<Option<Visit>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM visits WHERE reference = $1")
            .bind(reference)
            .fetch_optional(&mut *self.transaction)
            .await
    }

    /// The visits of a customer that are still to come, the next one first.
    pub(crate) async fn of_customer(
        &mut self,
        customer: &str,
        from_ms: i64,
    ) -> Result<Vec<Visit>, sqlx::Error> {
        let text = "SELECT * FROM visits WHERE customer = $1 AND start_ms > $2 AND is_cancelled = 0 ORDER BY start_ms LIMIT $3";
        sqlx::query_as(text)
            .bind(customer)
            .bind(from_ms)
            .bind(VISITS_MAX)
            .fetch_all(&mut *self.transaction)
            .await
    }

    /// Writes a change. A seat that is taken already is refused by the keys of the tables.
    pub(crate) async fn change(&mut self, change: &Change, now_ms: i64) -> Result<(), sqlx::Error> {
        match change {
            Change::Make(visit) => {
                self.insert(visit, now_ms).await?;
                self.take(visit).await
            }
            Change::Move(visit) => {
                self.give_back(&visit.reference).await?;
                sqlx::query("UPDATE visits SET place = $2, seat = $3, start_ms = $4, minutes = $5 WHERE reference = $1")
                    .bind(&visit.reference)
                    .bind(&visit.place)
                    .bind(visit.seat)
                    .bind(visit.start_ms)
                    .bind(visit.minutes)
                    .execute(&mut *self.transaction)
                    .await?;
                self.take(visit).await
            }
            Change::Cancel(reference) => {
                self.give_back(reference).await?;
                let query = sqlx::query("UPDATE visits SET is_cancelled = 1 WHERE reference = $1")
                    .bind(reference);
                query.execute(&mut *self.transaction).await.map(drop)
            }
        }
    }

    /// Keeps the answer to this call, and forgets old ones.
    pub(crate) async fn keep(
        &mut self,
        (session_id, request_id): (&str, &str),
        reply: &str,
        now_ms: i64,
    ) -> Result<(), sqlx::Error> {
        let forget =
            sqlx::query("DELETE FROM replies WHERE made_ms < $1").bind(now_ms - REPLIES_KEPT_MS);
        forget.execute(&mut *self.transaction).await?;
        sqlx::query(
            "INSERT INTO replies (session_id, request_id, reply, made_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(session_id)
        .bind(request_id)
        .bind(reply)
        .bind(now_ms)
        .execute(&mut *self.transaction)
        .await
        .map(drop)
    }

    /// Makes all that was written last.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }

    async fn insert(&mut self, visit: &Visit, now_ms: i64) -> Result<(), sqlx::Error> {
        let text = "INSERT INTO visits (reference, service, place, seat, start_ms, minutes, name, customer, made_ms) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(text)
            .bind(&visit.reference)
            .bind(&visit.service)
            .bind(&visit.place)
            .bind(visit.seat)
            .bind(visit.start_ms)
            .bind(visit.minutes)
            .bind(&visit.name)
            .bind(&visit.customer)
            .bind(now_ms)
            .execute(&mut *self.transaction)
            .await
            .map(drop)
    }

    async fn take(&mut self, visit: &Visit) -> Result<(), sqlx::Error> {
        for cell in cells(visit.start_ms, visit.minutes) {
            sqlx::query("INSERT INTO taken (place, seat, cell, reference) VALUES ($1, $2, $3, $4)")
                .bind(&visit.place)
                .bind(visit.seat)
                .bind(cell)
                .bind(&visit.reference)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }

    async fn give_back(&mut self, reference: &str) -> Result<(), sqlx::Error> {
        let query = sqlx::query("DELETE FROM taken WHERE reference = $1").bind(reference);
        query.execute(&mut *self.transaction).await.map(drop)
    }
}
