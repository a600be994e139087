//! Group commit: operations that arrive while a commit is under way go together in the next.
//!
//! One writer takes what waits, in the order of arrival. One that finds nobody waiting commits alone and at once.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::Life;

/// How many operations may wait for each one that goes into a batch.
const QUEUE_PER_BATCH: usize = 16;

/// What a writer does with a batch.
pub trait Commit: Send + Sync + 'static {
    /// What is asked for.
    type Operation: Send + 'static;
    /// What comes of it.
    type Answer: Send + 'static;

    /// Commits operations together; the answers are in the same order. Whoever implements it bounds its time.
    fn commit(
        &self,
        operations: Vec<Self::Operation>,
    ) -> impl Future<Output = Vec<Self::Answer>> + Send;
}

/// How large a batch gets, and how long it waits for company.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most operations of one commit.
    pub batch_max: usize,
    /// How long the first of a batch waits for others.
    pub company: Duration,
}

/// Nobody takes the operation: too many wait, or the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many operations wait to be written")]
pub struct Full;

type Waiting<C> = (<C as Commit>::Operation, oneshot::Sender<<C as Commit>::Answer>);

/// The way to a writer.
#[derive(Debug)]
pub struct Batcher<C: Commit> {
    queue: mpsc::Sender<Waiting<C>>,
}

impl<C: Commit> Clone for Batcher<C> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<C: Commit> Batcher<C> {
    /// Starts the writer, which ends when the life is closing.
    pub fn start(name: &'static str, committer: C, bounds: Bounds, life: &Life) -> Self {
        let (queue, waiting) = mpsc::channel(bounds.batch_max.saturating_mul(QUEUE_PER_BATCH));
        let writer = Writer { committer, waiting, bounds };
        life.spawn_connection(name, writer.run(life.clone()));
        Self { queue }
    }

    /// What came of an operation, once it is committed. It waits in line from here on, whether or not the answer is
    /// awaited.
    pub fn submit(
        &self,
        operation: C::Operation,
    ) -> impl Future<Output = Result<C::Answer, Full>> + Send + use<C> {
        let (sender, receiver) = oneshot::channel();
        let queued = self.queue.try_send((operation, sender)).map_err(|_| Full);
        async move {
            queued?;
            receiver.await.map_err(|_| Full)
        }
    }
}

struct Writer<C: Commit> {
    committer: C,
    waiting: mpsc::Receiver<Waiting<C>>,
    bounds: Bounds,
}

impl<C: Commit> Writer<C> {
    async fn run(mut self, life: Life) {
        loop {
            let mut batch = Vec::new();
            let first = tokio::select! {
                count = self.waiting.recv_many(&mut batch, self.bounds.batch_max) => count,
                () = life.closing() => 0,
            };
            if first == 0 {
                return;
            }
            if !self.bounds.company.is_zero() {
                tokio::time::sleep(self.bounds.company).await;
                while batch.len() < self.bounds.batch_max
                    && let Ok(waiting) = self.waiting.try_recv()
                {
                    batch.push(waiting);
                }
            }
            let (operations, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let answers = self.committer.commit(operations).await;
            for (sender, answer) in senders.into_iter().zip(answers) {
                // Who has gone away does not need to know; what was committed can be asked for again.
                let _ = sender.send(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::Semaphore;

    use super::*;

    /// Doubles numbers, one batch for each permit.
    struct Doubling {
        go: Arc<Semaphore>,
        sizes: Arc<Mutex<Vec<usize>>>,
    }

    impl Commit for Doubling {
        type Operation = u64;
        type Answer = u64;

        async fn commit(&self, numbers: Vec<u64>) -> Vec<u64> {
            self.sizes.lock().unwrap().push(numbers.len());
            self.go.acquire().await.unwrap().forget();
            numbers.into_iter().map(|number| number * 2).collect()
        }
    }

    #[tokio::test]
    async fn who_comes_during_a_commit_goes_in_the_next() {
        let (go, sizes) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        let life = Life::new();
        let bounds = Bounds { batch_max: 4, company: Duration::ZERO };
        let doubling = Doubling { go: go.clone(), sizes: sizes.clone() };
        let batcher = Batcher::start("doubling", doubling, bounds, &life);
        let submit = |number| {
            let batcher = batcher.clone();
            tokio::spawn(async move { batcher.submit(number).await })
        };
        let first = submit(1);
        while sizes.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let later: Vec<_> = (2..8).map(submit).collect();
        tokio::task::yield_now().await;
        go.add_permits(3);
        assert_eq!(first.await.unwrap(), Ok(2));
        for (task, number) in later.into_iter().zip(2..) {
            assert_eq!(task.await.unwrap(), Ok(number * 2));
        }
        assert_eq!(*sizes.lock().unwrap(), [1, 4, 2], "one at once, then as many as may");
        life.close();
        life.closed().await;
        assert_eq!(batcher.submit(1).await, Err(Full));
    }
}
