//! The life of a turn, read from top to bottom: accept, order, bypass or classify, gate, reserve, dispatch, settle,
//! store, hand over, finish.
//!
//! A turn runs in a task of its own that no caller stops by going away. Each step is one line here and one short method
//! in a file of `turn/`. A step that cannot go on says so with an [`Error`]; what that means for the turn is decided
//! here and in `redirect`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::body::Routing;
use crate::ending::Ending;
use crate::engine::Engine;
use crate::error::Error;
use crate::events::{Events, Message, QUEUE};
use crate::keeper::Tenure;
use crate::record::Record;
use crate::roster::Agents;
use crate::session::Session;
use crate::store::Scene;

mod accept;
mod aim;
mod arguments;
mod ask;
mod brief;
mod dispatch;
mod explicit;
mod finish;
mod handover;
mod keep;
mod order;
mod progress;
mod question;
mod redirect;
mod refusal;
mod replay;
mod reserve;
mod route;
mod seat;
mod settle;
mod trigger;

use self::accept::{Entrance, Guess};
pub(crate) use self::ask::{Ask, hex, kept, owner_of};
pub(crate) use self::explicit::{Transferal, transfer};
use self::progress::{Progress, Sense};
use self::question::Question;
pub(crate) use self::route::question;
use self::seat::{Seat, Wish};

/// One user message on its way to an answer.
struct Turn {
    engine: Arc<Engine>,
    ask: Ask,
    tenure: Tenure,
    events: Events,
    agents: Agents,
    session: Session,
    session_new: bool,
    /// What was said and known before; absent while the turn waits for others.
    scene: Option<Scene>,
    /// The classification that was begun beside the acceptance.
    guess: Option<Guess>,
    /// What the user is taken to want.
    sense: Sense,
    /// Why the turn goes where it goes.
    routing: Routing,
    progress: Progress,
    record: Record,
    began: std::time::Instant,
    deadline: Instant,
}

/// What a turn does next.
enum Step {
    /// Let an agent answer.
    Attend(Seat),
    /// Let another agent take over.
    HandOver(Wish),
    /// Ask the user back.
    Ask(Question),
    /// Nothing: the end is stored.
    Rest(Ending),
}

/// Accepts a request and answers it; what comes back are the events of its turn.
pub(crate) async fn converse(
    engine: Arc<Engine>,
    ask: Ask,
) -> Result<mpsc::Receiver<Message>, Error> {
    let (reader, events) = mpsc::channel(QUEUE);
    let (verdict, accepted) = oneshot::channel();
    let life = engine.life.clone();
    // What is logged of the turn carries its ids, wherever it came from.
    let (request_id, tenant) = (&ask.context.request_id, &ask.owner.tenant);
    let span = tracing::info_span!("turn", request_id, tenant);
    let task = async move {
        let entrance = Turn::accept(engine, ask, reader).await;
        let (entrance, told) = match entrance {
            Ok(entrance) => (Some(entrance), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // A caller who has gone away does not need to know.
        let _ = verdict.send(told);
        match entrance {
            Some(Entrance::New(turn)) => turn.live().await,
            Some(Entrance::Known(replay)) => replay.live().await,
            None => {}
        }
    };
    life.spawn("turn", task.instrument(span));
    accepted.await.unwrap_or(Err(Error::Internal))?;
    Ok(events)
}

impl Turn {
    async fn live(mut self: Box<Self>) {
        let outcome = AssertUnwindSafe(self.answer()).catch_unwind().await;
        self.finish(outcome.unwrap_or(Err(Error::Internal))).await;
    }

    async fn answer(&mut self) -> Result<Ending, Error> {
        self.order().await?;
        let aim = self.classify().await?;
        let mut step = self.gate(aim).await?;
        loop {
            step = match step {
                Step::Attend(seat) => self.attend(seat).await?,
                Step::HandOver(wish) => self.hand_over(wish).await?,
                Step::Ask(question) => self.ask_back(question).await?,
                Step::Rest(ending) => return Ok(ending),
            };
        }
    }

    async fn attend(&mut self, seat: Seat) -> Result<Step, Error> {
        let admission = match self.reserve(&seat).await {
            Ok(admission) => admission,
            Err(refusal) => return self.redirect(seat, refusal).await,
        };
        let mut spoken = self.dispatch(&seat, admission).await;
        let rest = self.settle(&mut spoken).await;
        let engine = self.engine.clone();
        match spoken.reply {
            Ok(reply) => {
                let (stored, ()) = tokio::join!(self.store(seat, reply), rest.be_done(&engine));
                stored
            }
            Err(failure) => {
                rest.be_done(&engine).await;
                self.redirect(seat, failure.into_error()).await
            }
        }
    }
}
