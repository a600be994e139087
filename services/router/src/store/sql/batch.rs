//! Group commit: turns that are accepted or written while a commit is under way go together in the next.
//!
//! A batch is read with one statement, folded in memory in the order of arrival, and written with one more, all of it
//! or nothing. What the fold cannot decide by itself (a request id that is known, a session that has expired, a turn
//! that somebody else has taken over) comes back undecided and goes the long way, alone.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chassis::Database;
use chassis::batch::{Bounds, Commit};
use chassis::database::Pen;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, Connection as _};
use tracing::Instrument as _;

use crate::session::Session;
use crate::store::past::Pasts;
use crate::store::{Acceptance, Accepted, Page, StoreError};

mod fold;
mod read;
mod rows;
mod statement;
mod write;

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
/// How long a connection may rest until it is asked whether it is well, when it is to write before it reads.
const REST_MAX: Duration = Duration::from_secs(1);
const PING_LIMIT: Duration = Duration::from_secs(1);
/// A pool of so few connections has none to keep for the writer.
const POOL_MIN: u32 = 2;

/// The bounds of a batch. It does not wait: who finds no commit under way commits at once.
pub(super) const BOUNDS: Bounds = Bounds { batch_max: BATCH_MAX, company: Duration::ZERO };

/// A connection with the time of its last use.
type Rested = (PoolConnection<Any>, Instant);

/// Writes batches.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    database: Database,
    pasts: Arc<Pasts>,
    find: Arc<str>,
    write: Arc<Texts>,
    /// The connection that the writer keeps from batch to batch, where there are others for everyone else.
    kept: Arc<Mutex<Option<Rested>>>,
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

    /// A server may not answer; the file always does.
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
        let (mut connection, found) = match self.database.pen() {
            Some(pen) => (None, self.find_in_file(pen, steps, known).await?),
            None => {
                let (connection, found) = self.find_on_server(steps, known).await?;
                (Some(connection), found)
            }
        };
        let mut fold = Fold::of(found);
        let outcomes: Vec<_> = steps.iter().map(|step| fold.take(step)).collect();
        if !fold.is_idle() {
            let sheet = fold.sheet();
            let write = self.write_sheet(connection.as_mut(), &sheet);
            write.instrument(tracing::info_span!("store.commit")).await?;
            drop(sheet);
            for (session_id, past) in fold.into_pasts() {
                self.pasts.remember(session_id, past);
            }
        }
        // It is for the next batch, where there are others for everyone else.
        if let Some(connection) = connection
            && POOL_MIN < self.database.max_connections()
        {
            *self.kept() = Some((connection, Instant::now()));
        }
        Ok(outcomes)
    }

    /// What the steps are about, in a file. Who finds everything in memory waits for nobody.
    async fn find_in_file(
        &self,
        pen: &Pen,
        steps: &[Step],
        known: Found,
    ) -> Result<Found, Spoiled> {
        if read::is_all_known(steps, &known) {
            return Ok(known);
        }
        self.find(&mut *pen.read().await, steps, known).await
    }

    /// What the steps are about, on a server. A kept connection may have been lost meanwhile; then it is read over another.
    async fn find_on_server(
        &self,
        steps: &[Step],
        known: Found,
    ) -> Result<(PoolConnection<Any>, Found), Spoiled> {
        let kept = self.kept().take();
        if let Some((mut connection, used)) = kept {
            let is_fresh = used.elapsed() < REST_MAX || !read::is_all_known(steps, &known);
            if (is_fresh || is_alive(&mut connection).await)
                && let Ok(found) = self.find(&mut connection, steps, known.clone()).await
            {
                return Ok((connection, found));
            }
        }
        let mut connection = self.database.pool.acquire().await?;
        let found = self.find(&mut connection, steps, known).await?;
        Ok((connection, found))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Rested>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection that rested still leads to the server. What is written over it first cannot be tried again.
async fn is_alive(connection: &mut AnyConnection) -> bool {
    let ping = tokio::time::timeout(PING_LIMIT, connection.ping()).await;
    ping.is_ok_and(|answer| answer.is_ok())
}

#[cfg(test)]
mod tests;
