//! Group commit: turns that are accepted or written while a commit is under way go together in the next.
//!
//! A batch is read with one statement, folded in memory in the order of arrival, and written with one more, all of it
//! or nothing. What the fold cannot decide by itself (a request id that is known, a session that has expired, a turn
//! that somebody else has taken over) comes back undecided and goes the long way, alone.

use std::sync::Arc;
use std::time::Duration;

use chassis::Database;
use chassis::batch::{Bounds, Commit};
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

/// The most operations of one commit.
const BATCH_MAX: usize = 256;

/// The bounds of a batch. It does not wait: who finds no commit under way commits at once.
pub(super) const BOUNDS: Bounds = Bounds { batch_max: BATCH_MAX, company: Duration::ZERO };

/// Writes batches.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    database: Database,
    pasts: Arc<Pasts>,
    find: Arc<str>,
    write: Arc<str>,
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
    /// The database failed, and nothing was written.
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
        match self.commit_together(&steps).await {
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
        let (find, write) = (read::statement(database.engine), statement::write(database.engine));
        Self { database, pasts: Arc::default(), find: find.into(), write: write.into() }
    }

    async fn commit_together(&self, steps: &[Step]) -> Result<Vec<Option<Outcome>>, Spoiled> {
        let mut connection = self.database.pool.acquire().await?;
        let found = self.find(&mut connection, steps).await?;
        let mut fold = Fold::of(found);
        let outcomes: Vec<_> = steps.iter().map(|step| fold.take(step)).collect();
        if fold.is_idle() {
            return Ok(outcomes);
        }
        let sheet = fold.sheet();
        let write = self.write_sheet(&mut connection, &sheet);
        write.instrument(tracing::info_span!("store.commit")).await?;
        drop(sheet);
        for (session_id, past) in fold.into_pasts() {
            self.pasts.remember(session_id, past);
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests;
