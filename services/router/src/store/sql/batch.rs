//! Group commit: turns that are accepted or written while a commit is under way go together in the next.
//!
//! A batch is read with one statement, folded in memory in the order of arrival, and written with one more, all of it
//! or nothing. What the fold cannot decide by itself (a request id that is known, a session that has expired, a turn
//! that somebody else has taken over) comes back undecided and goes the long way, alone.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::Database;
use chassis::batch::{Bounds, Commit};
use tracing::Instrument as _;

use crate::session::Session;
use crate::store::past::Pasts;
use crate::store::{Acceptance, Accepted, Page, StoreError};

mod connection;
mod fold;
mod read;
mod rows;
mod statement;
mod write;

use connection::Connection;
use fold::Fold;
use read::Found;
use statement::Texts;

/// The most operations of one commit.
const BATCH_MAX: usize = 256;

/// For how many batches sessions are looked up after another router was found to write to one that was remembered: it
/// will again, and asking first costs less than being refused.
const WARY_BATCHES: u32 = 1_000;

/// The most that a commit on a server may take.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);
/// A pool of so few connections has none to keep for the writer.
const POOL_MIN: u32 = 2;

/// The bounds of a batch. It does not wait: who finds no commit under way commits at once.
pub(super) const BOUNDS: Bounds = Bounds { batch_max: BATCH_MAX, company: Duration::ZERO };

/// Writes batches.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    database: Database,
    pasts: Arc<Pasts>,
    find: Arc<str>,
    write: Arc<Texts>,
    /// The connection that the writer keeps from batch to batch, where there are others for everyone else.
    kept: Arc<Mutex<Option<Connection>>>,
    /// How many batches more sessions are looked up for.
    wary: Arc<AtomicU32>,
}

/// What is to be committed.
#[derive(Debug)]
pub(super) enum Step {
    /// A request that wants to become a turn.
    Accept(Box<Acceptance>),
    /// What a turn brought about.
    Write(Box<Page>),
}

/// What became of a step.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The turn is accepted.
    Accepted(Box<Accepted>),
    /// The page is written.
    Written(Box<Session>),
    /// It must go the long way, alone: nothing of it was written.
    Undecided,
    /// The database failed. Where it failed in the middle of writing, the step may have been written all the same: who
    /// tries again finds its turn under the request id, or no longer its own.
    Failed(StoreError),
}

/// Why a batch was not written.
enum Spoiled {
    /// Something changed between reading and writing, so that each step goes the long way.
    Overtaken,
    /// The database cannot be used.
    Broken(StoreError),
}

impl From<sqlx::Error> for Spoiled {
    fn from(error: sqlx::Error) -> Self {
        match error {
            // A statement was refused: a duplicate, a deadlock, or our own guard.
            sqlx::Error::Database(_) => Self::Overtaken,
            error => Self::Broken(error.into()),
        }
    }
}

impl Commit for Scribe {
    type Operation = Step;
    type Answer = Outcome;

    async fn commit(&self, steps: Vec<Step>) -> Vec<Outcome> {
        match self.commit_within(&steps).await {
            Ok(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Undecided)).collect()
            }
            Err(Spoiled::Overtaken) => steps.iter().map(|_| Outcome::Undecided).collect(),
            Err(Spoiled::Broken(error)) => {
                steps.iter().map(|_| Outcome::Failed(error.clone())).collect()
            }
        }
    }
}

impl Scribe {
    pub(super) fn of(database: Database) -> Self {
        let find = read::statement(database.engine).into();
        Self {
            database,
            pasts: Arc::default(),
            find,
            write: Arc::default(),
            kept: Arc::default(),
            wary: Arc::default(),
        }
    }

    /// A server may not answer; the file always does, and is not to be left in the middle of a list of statements.
    async fn commit_within(&self, steps: &[Step]) -> Result<Vec<Option<Outcome>>, Spoiled> {
        if self.database.is_embedded() {
            return self.commit_as_known(steps).await;
        }
        let commit = tokio::time::timeout(COMMIT_LIMIT, self.commit_as_known(steps)).await;
        commit.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
    }

    /// Takes sessions to be as they were left. The guards find out when somebody else has written to one; then all of
    /// them are looked up.
    async fn commit_as_known(&self, steps: &[Step]) -> Result<Vec<Option<Outcome>>, Spoiled> {
        let known = self.known(steps);
        let calmer = |wary: u32| wary.checked_sub(1);
        let _ = self.wary.fetch_update(Ordering::Relaxed, Ordering::Relaxed, calmer);
        if known.sessions.is_empty() {
            return self.commit_together(steps, known).await;
        }
        let session_ids: Vec<_> = known.sessions.keys().cloned().collect();
        match self.commit_together(steps, known).await {
            Err(Spoiled::Overtaken) => {
                self.pasts.forget(&session_ids);
                let committed = self.commit_together(steps, Found::default()).await;
                if committed.is_ok() && !self.database.is_embedded() {
                    self.wary.store(WARY_BATCHES, Ordering::Relaxed);
                }
                committed
            }
            committed => committed,
        }
    }

    /// Whether sessions that are remembered are likely to be as they were left.
    fn is_trusting(&self) -> bool {
        self.wary.load(Ordering::Relaxed) == 0
    }

    async fn commit_together(
        &self,
        steps: &[Step],
        known: Found,
    ) -> Result<Vec<Option<Outcome>>, Spoiled> {
        let (mut connection, found) = self.read(steps, known).await?;
        let mut fold = Fold::of(found);
        let outcomes: Vec<_> = steps.iter().map(|step| fold.take(step)).collect();
        if !fold.is_idle() {
            let sheet = fold.sheet();
            let write = self.write_sheet(&mut connection, &sheet);
            write.instrument(tracing::info_span!("store.commit")).await?;
            drop(sheet);
            for (session_id, past) in fold.into_pasts() {
                self.pasts.remember(session_id, past);
            }
        }
        self.keep(connection);
        Ok(outcomes)
    }

    /// What the steps are about. A kept connection may have been lost meanwhile; then it is read over another.
    async fn read(&self, steps: &[Step], known: Found) -> Result<(Connection, Found), Spoiled> {
        let kept = self.kept().take();
        if let Some(mut connection) = kept
            && let Ok(found) = self.find(&mut connection, steps, known.clone()).await
        {
            return Ok((connection, found));
        }
        let mut connection = Connection::to(&self.database).await?;
        let found = self.find(&mut connection, steps, known).await?;
        Ok((connection, found))
    }

    /// Keeps a connection for the next batch, where there are others for everyone else.
    fn keep(&self, connection: Connection) {
        if POOL_MIN < self.database.max_connections() {
            *self.kept() = Some(connection);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Connection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
