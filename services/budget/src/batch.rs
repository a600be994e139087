//! Group commit: operations that arrive while a commit is under way go together in the next.
//!
//! One writer takes what waits, in the order of arrival. One that finds nobody waiting commits alone and at once.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Life, clock};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::config::Config;
use crate::operation::{Answer, Operation, Refusal};
use crate::store::Store;

/// How many operations may wait for each one that goes into a batch.
const QUEUE_PER_BATCH: usize = 16;
/// The most that one commit may take.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);

type Waiting = (Operation, oneshot::Sender<Result<Answer, Error>>);

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Batcher {
    queue: mpsc::Sender<Waiting>,
}

impl Batcher {
    pub(crate) fn start(config: &Config, store: Arc<dyn Store>, life: &Life) -> Self {
        let (queue, waiting) = mpsc::channel(config.batch_max * QUEUE_PER_BATCH);
        let writer = Writer {
            store,
            waiting,
            batch_max: config.batch_max,
            company: Duration::from_millis(config.batch_wait_ms.unsigned_abs()),
        };
        life.spawn_connection("budget writer", writer.run(life.clone()));
        Self { queue }
    }

    /// The answer to an operation, once it is committed.
    pub(crate) async fn submit(&self, operation: Operation) -> Result<Answer, Error> {
        let (sender, receiver) = oneshot::channel();
        self.queue.try_send((operation, sender)).map_err(|_| Error::Busy)?;
        receiver.await.unwrap_or(Err(Error::Busy))
    }
}

struct Writer {
    store: Arc<dyn Store>,
    waiting: mpsc::Receiver<Waiting>,
    batch_max: usize,
    company: Duration,
}

impl Writer {
    async fn run(mut self, life: Life) {
        loop {
            let mut batch = Vec::new();
            let first = tokio::select! {
                count = self.waiting.recv_many(&mut batch, self.batch_max) => count,
                () = life.closing() => 0,
            };
            if first == 0 {
                return;
            }
            if !self.company.is_zero() {
                tokio::time::sleep(self.company).await;
                while batch.len() < self.batch_max
                    && let Ok(waiting) = self.waiting.try_recv()
                {
                    batch.push(waiting);
                }
            }
            self.commit(batch).await;
        }
    }

    async fn commit(&self, batch: Vec<Waiting>) {
        let (operations, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most 4096 operations")]
        metrics::histogram!("budget.batch_size").record(operations.len() as f64);
        let commit = self.store.commit(&operations, clock::now_ms());
        match tokio::time::timeout(COMMIT_LIMIT, commit).await.unwrap_or(Err(Error::Busy)) {
            Ok(answers) => {
                for (sender, answer) in senders.into_iter().zip(answers) {
                    // A caller that has gone away can ask again: the charge id finds the same answer.
                    let _ = sender.send(answer.map_err(Error::Refused));
                }
            }
            Err(error) => {
                for sender in senders {
                    let _ = sender.send(Err(error.clone()));
                }
            }
        }
    }
}

/// What each operation of a batch came to.
pub(crate) type Answers = Vec<Result<Answer, Refusal>>;
