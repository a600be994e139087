//! A request id that was seen before: what is stored is repeated, and what still runs is waited for.

use std::sync::Arc;

use proto::v1::Accepted;
use proto::v1::turn_event::Event;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::accept::Entrance;
use super::{Ask, Turn};
use crate::ending::Ending;
use crate::engine::Engine;
use crate::error::Error;
use crate::events::{Events, Message};
use crate::store::Known;

/// A request that repeats an earlier one.
pub(super) struct Replay {
    pub(super) engine: Arc<Engine>,
    pub(super) ask: Ask,
    pub(super) known: Known,
    pub(super) reader: mpsc::Sender<Message>,
    pub(super) deadline: Instant,
}

impl Replay {
    /// Repeats the end of the earlier turn, once it is there.
    pub(super) async fn live(mut self: Box<Self>) {
        let was_running = self.known.ending.is_none();
        let ending = match self.known.ending.take() {
            Some(ending) => Ok(ending),
            None => self.wait().await,
        };
        match ending {
            // The turn was not running: its router was dead. That is for a further attempt to make good.
            Ok(ending) if was_running && ending.is_interrupted() => {
                Box::pin(self.run_again()).await;
            }
            Ok(ending) => self.repeat(ending).await,
            Err(error) => self.events().refuse(error.into()).await,
        }
    }

    /// Waits until the turn has ended, in this process or in another.
    async fn wait(&self) -> Result<Ending, Error> {
        let (owner, request_id) = (&self.ask.owner, &self.ask.context.request_id);
        let ended = self.engine.queue.until(&self.known.lease.session_id, || async {
            let known = self.engine.store.known(owner, request_id).await?;
            Ok(known.ok_or(Error::RequestInProgress)?.ending)
        });
        let ended = tokio::time::timeout_at(self.deadline, ended).await;
        ended.unwrap_or(Err(Error::RequestInProgress))
    }

    async fn run_again(self: Box<Self>) {
        let mut events = self.events();
        match Box::pin(Turn::accept(self.engine, self.ask, self.reader)).await {
            Ok(Entrance::New(turn)) => turn.live().await,
            Ok(Entrance::Known(replay)) => Box::pin(replay.live()).await,
            Err(error) => events.refuse(error.into()).await,
        }
    }

    async fn repeat(&self, ending: Ending) {
        let mut events = self.events();
        events.replay();
        let accepted = Accepted {
            request_id: self.ask.context.request_id.clone(),
            session_id: self.known.lease.session_id.clone(),
            session_new: self.known.session_new,
            turn_seq: self.known.lease.seq,
            session_ref: self.ask.reference.key().to_owned(),
        };
        events.emit(Event::Accepted(accepted)).await;
        events.emit(ending.event()).await;
    }

    fn events(&self) -> Events {
        let lease = &self.known.lease;
        Events::new(self.reader.clone(), &self.ask.context.request_id, &lease.session_id)
    }
}
