//! The writer: what arrives while a commit is under way goes together in the next.

use std::sync::Arc;
use std::time::Duration;

use chassis::batch::{Batcher, Bounds, Commit};
use chassis::{Life, clock};

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
        self.batcher.submit(operation).await.map_err(|_| Error::Busy)?
    }
}

struct Committer {
    store: Arc<dyn Store>,
}

impl Commit for Committer {
    type Operation = Operation;
    type Answer = Result<Answer, Error>;

    async fn commit(&self, operations: Vec<Operation>) -> Vec<Self::Answer> {
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most 4096 operations")]
        metrics::histogram!("budget.batch_size").record(operations.len() as f64);
        let mut answers = Vec::with_capacity(operations.len());
        // Who changes the rules is committed alone: it changes which accounts the others need.
        for together in operations.chunk_by(|one, next| !one.rules() && !next.rules()) {
            answers.extend(self.commit_together(together).await);
        }
        answers
    }
}

impl Committer {
    async fn commit_together(&self, operations: &[Operation]) -> Vec<Result<Answer, Error>> {
        let commit = self.store.commit(operations, clock::now_ms());
        match tokio::time::timeout(COMMIT_LIMIT, commit).await.unwrap_or(Err(Error::Busy)) {
            Ok(answers) => {
                answers.into_iter().map(|answer| answer.map_err(Error::Refused)).collect()
            }
            Err(error) => operations.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}
