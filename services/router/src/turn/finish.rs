//! Step 11: the end is stored if it is not yet, told, and the next turn of the session wakes up.

use chassis::clock;
use chassis::fault::Fault;

use super::Turn;
use crate::ending::{Ending, Failed};
use crate::error::Error;
use crate::session::{Change, Status};
use crate::store::Mark;

impl Turn {
    pub(super) async fn finish(mut self: Box<Self>, outcome: Result<Ending, Error>) {
        let ending = match outcome {
            Ok(ending) => ending,
            Err(Error::Lost) => self.found().await,
            Err(error) => self.give_up(error).await,
        };
        self.events.emit(ending.event()).await;
        self.measure();
        if self.tenure.lease.is_anonymous {
            for agent_id in std::mem::take(&mut self.progress.visited) {
                self.engine.peers.release_slot(&agent_id, self.holder()).await;
            }
        }
        let session_id = self.session.session_id.clone();
        let queue = self.engine.queue.clone();
        drop(self);
        queue.ring(&session_id);
    }

    /// The answer that was provisional stands.
    pub(super) async fn conclude(&mut self) -> Result<Ending, Error> {
        let answer = self.progress.answer.clone().ok_or(Error::Internal)?;
        let ending = self.ending_of(&answer);
        "answer".clone_into(&mut self.record.outcome);
        let mut page = self.page(Mark::Final(ending.clone(), self.record.json()), clock::now_ms());
        page.change = Change {
            close: answer.workflow_complete.then_some(Status::Completed),
            ..Change::default()
        };
        self.persist(page).await?;
        Ok(ending)
    }

    /// A turn that cannot go on ends with what was answered before, else with its error.
    async fn give_up(&mut self, error: Error) -> Ending {
        if self.progress.answer.is_some()
            && !matches!(error, Error::Cancelled)
            && let Ok(ending) = self.conclude().await
        {
            tracing::warn!(%error, "a turn ends with its provisional answer");
            return ending;
        }
        let failed = self.failed(&error);
        failed.code.clone_into(&mut self.record.outcome);
        let ending = Ending::Error(failed);
        let mut page = self.page(Mark::Final(ending.clone(), self.record.json()), clock::now_ms());
        // A question is still open when its answer led to nothing and may be given again.
        page.change.pending = self.session.pending.clone().filter(|_| ending.is_retryable());
        match self.persist(page).await {
            Ok(()) => ending,
            Err(Error::Lost) => self.found().await,
            Err(error) => {
                tracing::error!(%error, "the end of a turn was not stored");
                ending
            }
        }
    }

    fn failed(&self, error: &Error) -> Failed {
        if matches!(error, Error::Internal | Error::Store(_)) {
            tracing::error!(%error, "a turn failed");
        }
        let fault = Fault::from(error);
        Failed {
            code: fault.code.clone(),
            fields: error.fields(),
            retry_after_s: fault.retry_after_s.unwrap_or_default(),
            retryable: fault.kind.is_retryable(),
            budget: self.progress.headers.clone(),
        }
    }

    /// How the turn ended for the router that has taken it over.
    async fn found(&self) -> Ending {
        let (owner, request_id) = (&self.ask.owner, &self.ask.context.request_id);
        let ended = self.engine.queue.until(&self.session.session_id, || async {
            let known = self.engine.store.known(owner, request_id).await?;
            Ok::<_, Error>(known.ok_or(Error::Internal)?.ending)
        });
        let ended = tokio::time::timeout_at(self.deadline, ended).await;
        ended.ok().and_then(Result::ok).unwrap_or_else(Ending::interrupted)
    }

    fn measure(&self) {
        // A handoff that somebody asked for is no message.
        if self.ask.input.is_empty() {
            return;
        }
        let agent_id = self.progress.visited.last().cloned().unwrap_or_default();
        let labels = [("status", self.record.outcome.clone()), ("agent_id", agent_id)];
        metrics::counter!("orchestrator.requests", &labels).increment(1);
        let millis = self.began.elapsed().as_secs_f64() * 1_000.0;
        metrics::histogram!("orchestrator.requests.duration_ms", "component" => "router")
            .record(millis);
    }
}
