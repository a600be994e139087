//! The writer of an embedded file: one connection on a thread of its own, which commits what waits together.
//!
//! Whatever service it comes from, a batch that arrives while another is being written goes into the same transaction,
//! behind a savepoint of its own: it is written whole or not at all, and its neighbours do not notice. The answers are
//! given after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use sqlx::{AnyConnection, AnyPool};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// How many batches may wait. A service has one under way.
const QUEUE: usize = 64;
/// The most batches of one commit.
const TOGETHER_MAX: usize = 64;
/// How many statements are kept prepared.
const STATEMENTS_MAX: usize = 64;
/// How long the file is left alone after a commit while somebody uses the pool, who may want to write: SQLite does not
/// queue writers, it lets them try again every few milliseconds.
const COURTESY: Duration = Duration::from_millis(2);

/// What a batch writes; false takes back what it has written so far.
type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<bool> + Send>;
type Outcome = Result<bool, WriteError>;

/// A batch was not written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the database file cannot be written: {0}")]
pub struct WriteError(Arc<rusqlite::Error>);

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Arc::new(error))
    }
}

/// The connections that batches use on an embedded file, beside the pool, which would ask them after every use whether
/// they are well.
#[derive(Clone, Debug)]
pub struct Pen {
    reader: Arc<Mutex<AnyConnection>>,
    batches: SyncSender<Batch>,
}

struct Batch {
    work: Work,
    answer: oneshot::Sender<Outcome>,
}

impl Pen {
    pub(super) async fn of(pool: AnyPool, pragmas: &[&str]) -> anyhow::Result<Self> {
        let mut reader = pool.acquire().await?.detach();
        // Whatever the settings wrote, both have the same file.
        let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let file: String = sqlx::query_scalar(sql).fetch_one(&mut reader).await?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        for pragma in pragmas {
            connection.execute_batch(&format!("PRAGMA {pragma}"))?;
        }
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let (batches, waiting) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("database writer".to_owned())
            .spawn(move || write(connection, &waiting, &pool))
            .context("cannot start the writer of the database")?;
        Ok(Self { reader: Arc::new(Mutex::new(reader)), batches })
    }

    /// Waits for the connection that reads: what is committed, and nothing of what is being written.
    pub async fn read(&self) -> OwnedMutexGuard<AnyConnection> {
        self.reader.clone().lock_owned().await
    }

    /// Writes a batch and commits it, perhaps together with others. Work that fails, or answers false, leaves nothing
    /// behind.
    pub async fn write<W>(&self, work: W) -> Result<bool, sqlx::Error>
    where
        W: FnOnce(&Connection) -> rusqlite::Result<bool> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let batch = Batch { work: Box::new(work), answer };
        self.batches.try_send(batch).map_err(|error| match error {
            TrySendError::Full(_) => sqlx::Error::PoolTimedOut,
            TrySendError::Disconnected(_) => sqlx::Error::WorkerCrashed,
        })?;
        let outcome = outcome.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        outcome.map_err(|error| sqlx::Error::AnyDriverError(Box::new(error)))
    }
}

/// Writes until nobody is left who could ask for it.
#[expect(clippy::disallowed_methods, reason = "the thread is not one of the runtime")]
fn write(mut connection: Connection, waiting: &Receiver<Batch>, pool: &AnyPool) {
    while let Ok(first) = waiting.recv() {
        let mut answers = Vec::new();
        let committed = commit_together(&mut connection, (first, waiting), &mut answers);
        for (answer, outcome) in answers {
            // Who has gone away does not need to know.
            let _ = answer.send(committed.clone().and(outcome));
        }
        if 0 < pool.size() && pool.num_idle() == 0 {
            thread::sleep(COURTESY);
        }
    }
}

/// Commits a batch, and those that arrive while it is written.
fn commit_together(
    connection: &mut Connection,
    (first, waiting): (Batch, &Receiver<Batch>),
    answers: &mut Vec<(oneshot::Sender<Outcome>, Outcome)>,
) -> Result<(), WriteError> {
    let mut next = Some(first);
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let mut transaction = begun.map_err(|error| {
        let error = WriteError::from(error);
        answers.extend(next.take().map(|batch| (batch.answer, Err(error.clone()))));
        error
    })?;
    while let Some(Batch { work, answer }) = next {
        let outcome = work_apart(&mut transaction, work);
        // What could not be taken back takes everything with it, and so does a full disk.
        let (outcome, is_usable) = match outcome {
            Ok(outcome) => (outcome.map_err(WriteError::from), !transaction.is_autocommit()),
            Err(error) => (Err(error.into()), false),
        };
        answers.push((answer, outcome.clone()));
        if !is_usable {
            transaction.rollback()?;
            outcome?;
            return Err(rusqlite::Error::InvalidQuery.into());
        }
        next = if answers.len() < TOGETHER_MAX { waiting.try_recv().ok() } else { None };
    }
    Ok(transaction.commit()?)
}

/// What came of a batch, all of it or nothing; an error when it could not be taken back.
fn work_apart(
    transaction: &mut Transaction<'_>,
    work: Work,
) -> rusqlite::Result<rusqlite::Result<bool>> {
    let mut savepoint = transaction.savepoint()?;
    // A batch that panics is a bug of ours, and no reason to write nothing ever after.
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&savepoint)));
    let outcome = outcome.unwrap_or(Err(rusqlite::Error::UnwindingPanic));
    if !matches!(outcome, Ok(true)) {
        savepoint.rollback()?;
    }
    savepoint.commit()?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use rusqlite::Error;
    use sqlx::query_scalar;

    use super::*;
    use crate::testing::sqlite;

    const NOTE: &str = "INSERT INTO notes (note) VALUES (?1)";

    async fn notes(pen: &Pen) -> Vec<String> {
        let notes = query_scalar("SELECT note FROM notes ORDER BY rowid");
        notes.fetch_all(&mut *pen.read().await).await.unwrap()
    }

    /// Takes a note, and then does what `end` says.
    fn note(
        text: &'static str,
        end: impl FnOnce() -> rusqlite::Result<bool> + Send + 'static,
    ) -> impl FnOnce(&Connection) -> rusqlite::Result<bool> + Send + 'static {
        move |file| {
            file.prepare_cached(NOTE)?.execute([text])?;
            end()
        }
    }

    #[tokio::test]
    async fn a_batch_that_fails_leaves_the_others_of_its_commit_alone() {
        let database = sqlite().await;
        let pen = database.pen().unwrap();
        let made =
            pen.write(|file| file.execute("CREATE TABLE notes (note TEXT)", []).map(|_| true));
        assert!(made.await.unwrap());
        let (begun, is_begun) = channel();
        let (go, gone) = channel::<()>();
        let first = pen.write(note("first", move || {
            begun.send(()).unwrap();
            gone.recv().unwrap();
            Ok(true)
        }));
        let later = async {
            let taken_back = pen.write(note("taken back", || Ok(false)));
            let failed = pen.write(note("failed", || Err(Error::InvalidQuery)));
            let last = pen.write(note("last", || Ok(true)));
            let all = async { tokio::join!(taken_back, failed, last) };
            tokio::pin!(all);
            // All of them wait for the first.
            assert!(futures::poll!(&mut all).is_pending());
            is_begun.recv().unwrap();
            assert!(notes(pen).await.is_empty(), "nothing is there before the commit");
            go.send(()).unwrap();
            all.await
        };
        let (first, (taken_back, failed, last)) = tokio::join!(first, later);
        assert!(first.unwrap() && last.unwrap() && !taken_back.unwrap());
        assert!(matches!(failed, Err(sqlx::Error::AnyDriverError(_))), "{failed:?}");
        assert_eq!(notes(pen).await, ["first", "last"]);
    }

    #[tokio::test]
    async fn a_batch_that_panics_is_not_the_last() {
        let database = sqlite().await;
        let pen = database.pen().unwrap();
        let made =
            pen.write(|file| file.execute("CREATE TABLE notes (note TEXT)", []).map(|_| true));
        assert!(made.await.unwrap());
        assert!(pen.write(note("lost", || panic!("a bug"))).await.is_err());
        assert!(pen.write(note("kept", || Ok(true))).await.unwrap());
        assert_eq!(notes(pen).await, ["kept"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_writes_over_the_pool_gets_a_turn_beside_a_busy_writer() {
        let database = sqlite().await;
        let pen = database.pen().unwrap().clone();
        let made =
            pen.write(|file| file.execute("CREATE TABLE notes (note TEXT)", []).map(|_| true));
        assert!(made.await.unwrap());
        let busy = tokio::spawn(async move {
            // As on a slow disk, and with somebody waiting at the end of each commit.
            let slow = || {
                note("batch", || {
                    let (_held, never) = channel::<()>();
                    let _ = never.recv_timeout(COURTESY * 3);
                    Ok(true)
                })
            };
            loop {
                let (one, two) = tokio::join!(pen.write(slow()), pen.write(slow()));
                assert!(one.unwrap() && two.unwrap());
            }
        });
        for _ in 0..20 {
            let mut own = database.begin().await.unwrap();
            sqlx::query("INSERT INTO notes (note) VALUES ('own')")
                .execute(&mut *own)
                .await
                .unwrap();
            own.commit().await.unwrap();
        }
        busy.abort();
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_told_to_everyone_and_the_next_succeeds() {
        let database = sqlite().await;
        let pen = database.pen().unwrap();
        let made =
            pen.write(|file| file.execute("CREATE TABLE notes (note TEXT)", []).map(|_| true));
        assert!(made.await.unwrap());
        // It ends the transaction, as a full disk does.
        let ended = pen.write(|file| {
            file.prepare_cached(NOTE)?.execute(["lost"])?;
            file.execute_batch("ROLLBACK").map(|()| true)
        });
        assert!(ended.await.is_err());
        assert!(notes(pen).await.is_empty());
        assert!(pen.write(note("kept", || Ok(true))).await.unwrap());
        assert_eq!(notes(pen).await, ["kept"]);
    }
}
