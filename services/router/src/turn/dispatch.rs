//! Step 7: the agent is called, and its words are passed on while it still speaks.

use proto::v1::Delta;
use proto::v1::turn_event::Event;
use tokio::sync::mpsc;

use super::reserve::{Admission, Reservation};
use super::{Seat, Turn};
use crate::breaker_store::Permit;
use crate::dispatch::{Call, Failure, Reply};
use crate::error::Error;

/// How many parts of an answer may wait to be passed on.
const DELTAS_MAX: usize = 64;

/// What came of a call.
pub(super) struct Spoken {
    pub agent_id: String,
    pub reply: Result<Reply, Failed>,
    pub charge: Reservation,
    /// The breaker's permit, until it was told how the call went.
    pub permit: Option<Permit>,
    pub per_call_micros: Option<i64>,
    pub model: String,
}

/// A call that brought no answer.
#[derive(Debug)]
pub(super) struct Failed {
    pub agent_id: String,
    pub failure: Failure,
}

impl Failed {
    /// What it means for the turn, unless another agent answers.
    pub(super) fn into_error(self) -> Error {
        Error::Agent { agent_id: self.agent_id, kind: self.failure.kind }
    }
}

impl Turn {
    pub(super) async fn dispatch(&mut self, seat: &Seat, admission: Admission) -> Spoken {
        let began = std::time::Instant::now();
        let Admission { agent, arguments, charge, permit } = admission;
        let (deltas, mut words) = mpsc::channel(DELTAS_MAX);
        let call = Call {
            arguments: arguments.plain,
            verbatim: arguments.verbatim,
            request_id: self.ask.context.request_id.clone(),
            charge_id: charge.charge_id.clone(),
            // The dispatch opens a span of its own, which the agent joins.
            traceparent: None,
            deadline: self.deadline,
            deltas,
            cancel: self.tenure.stop.clone(),
        };
        let dispatcher = self.engine.dispatcher.clone();
        let speaking = dispatcher.call(&agent, self.agents.generation(), call);
        tokio::pin!(speaking);
        let mut index = 0;
        let reply = loop {
            tokio::select! {
                biased;
                Some(text) = words.recv() => self.pass_words(seat, &mut index, text),
                reply = &mut speaking => break reply,
            }
        };
        while let Ok(text) = words.try_recv() {
            self.pass_words(seat, &mut index, text);
        }
        self.note(&reply);
        self.record.time("dispatch", began);
        let cost = agent.cost.clone().unwrap_or_default();
        let failed = |failure| Failed { agent_id: seat.agent_id.clone(), failure };
        Spoken {
            reply: reply.map_err(failed),
            permit: Some(permit),
            per_call_micros: cost.per_call_micros,
            // What was reserved is what the agent was told to use.
            model: charge.decision.as_ref().map_or(cost.model, |decision| decision.model.clone()),
            agent_id: seat.agent_id.clone(),
            charge,
        }
    }

    fn pass_words(&mut self, seat: &Seat, index: &mut i64, text: String) {
        let delta =
            Delta { agent_id: seat.agent_id.clone(), hop: self.progress.hop, index: *index, text };
        *index += 1;
        self.events.hint(Event::Delta(delta));
    }

    fn note(&mut self, reply: &Result<Reply, Failure>) {
        let noted = self.record.dispatches.last_mut().expect("a dispatch was prepared");
        match reply {
            Ok(reply) => {
                noted.attempts = reply.attempts;
                "answered".clone_into(&mut noted.outcome);
            }
            Err(failure) => {
                noted.attempts = failure.attempts;
                failure.kind.code().clone_into(&mut noted.outcome);
            }
        }
    }
}
