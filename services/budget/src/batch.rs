//! The writer: what arrives while a commit is under way goes together in the next.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::batch::{Batcher, Bounds, Commit};
use chassis::{Life, clock};
use tokio::sync::oneshot;

use crate::Error;
use crate::config::Config;
use crate::operation::{Answer, Operation, Refusal};
use crate::store::Store;

/// The most that one commit may take.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);

/// What each operation of a batch came to.
pub(crate) type Answers = Vec<Result<Answer, Refusal>>;

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    batcher: Batcher<Committer>,
}

impl Writer {
    /// Starts it; it ends when the life is closing.
    pub(crate) fn start(config: &Config, store: Arc<dyn Store>, life: &Life) -> Self {
        let bounds = Bounds {
            batch_max: config.batch_max,
            company: Duration::from_millis(config.batch_wait_ms.unsigned_abs()),
        };
        Self { batcher: Batcher::start("budget writer", Committer { store }, bounds, life) }
    }

    /// The answer to an operation, once it is committed.
    pub(crate) async fn submit(&self, operation: Operation) -> Result<Answer, Error> {
        self.batcher.submit(Queued { operation, early: None }).await.map_err(|_| Error::Busy)?
    }

    /// The answer to an operation twice: as it was decided, if it was not refused, and once it is committed.
    pub(crate) fn submit_early(
        &self,
        operation: Operation,
    ) -> (oneshot::Receiver<Answer>, impl Future<Output = Result<Answer, Error>> + Send + use<>)
    {
        let (early, decided) = oneshot::channel();
        let committed = self.batcher.submit(Queued { operation, early: Some(early) });
        (decided, async move { committed.await.map_err(|_| Error::Busy)? })
    }
}

/// Who wants to hear what was decided, before it is committed.
type Early = Option<oneshot::Sender<Answer>>;

struct Queued {
    operation: Operation,
    early: Early,
}

struct Committer {
    store: Arc<dyn Store>,
}

impl Commit for Committer {
    type Operation = Queued;
    type Answer = Result<Answer, Error>;

    async fn commit(&self, queued: Vec<Queued>) -> Vec<Self::Answer> {
        let (operations, early): (Vec<_>, Vec<_>) =
            queued.into_iter().map(|Queued { operation, early }| (operation, early)).unzip();
        let mut early = early.into_iter();
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most 4096 operations")]
        metrics::histogram!("budget.batch_size").record(operations.len() as f64);
        let mut answers = Vec::with_capacity(operations.len());
        // Who changes the rules is committed alone: it changes which accounts the others need.
        for together in operations.chunk_by(|one, next| !one.rules() && !next.rules()) {
            let early = early.by_ref().take(together.len()).collect();
            answers.extend(self.commit_together(together, early).await);
        }
        answers
    }
}

impl Committer {
    async fn commit_together(
        &self,
        operations: &[Operation],
        early: Vec<Early>,
    ) -> Vec<Result<Answer, Error>> {
        let early = Mutex::new(early);
        // Who was told once is not told again: the answer that counts comes after the commit.
        let decided = |answers: &Answers| {
            let mut early = early.lock().unwrap_or_else(PoisonError::into_inner);
            for (early, answer) in early.iter_mut().zip(answers) {
                if let Ok(answer) = answer
                    && let Some(early) = early.take()
                {
                    let _ = early.send(answer.clone());
                }
            }
        };
        let commit = self.store.commit_telling(operations, clock::now_ms(), &decided);
        match tokio::time::timeout(COMMIT_LIMIT, commit).await.unwrap_or(Err(Error::Busy)) {
            Ok(answers) => {
                answers.iter().flatten().for_each(count);
                answers.into_iter().map(|answer| answer.map_err(Error::Refused)).collect()
            }
            Err(error) => operations.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

/// Counts what was charged, whether or not anybody still waits for the answer.
fn count(answer: &Answer) {
    if let Answer::Settled { actual_micros, is_new: true, books, .. } = answer {
        for book in books {
            metrics::counter!("budget.settled_usd", "scope_type" => book.scope.kind.clone())
                .increment(actual_micros.unsigned_abs());
        }
    }
}
