//! Step 1: the session is found or made, and the turn stored with the user's words, before anything is done about it.

use std::sync::Arc;

use chassis::clock;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use proto::v1::turn_event::Event;
use proto::v1::{Accepted as AcceptedEvent, Classification, ClassifyRequest};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Status;
use tracing::Instrument as _;
use uuid::Uuid;

use super::replay::Replay;
use super::{Ask, Progress, Sense, Turn, hex};
use crate::body::Routing;
use crate::engine::Engine;
use crate::error::Error;
use crate::events::{Events, Message};
use crate::record::{Input, Record};
use crate::store::{Acceptance, Accepted, Verdict};

/// A classification under way.
pub(super) type Guess = Shared<BoxFuture<'static, Result<Classification, Status>>>;

/// What a request turns out to be.
pub(super) enum Entrance {
    /// A turn.
    New(Box<Turn>),
    /// A turn that there was before.
    Known(Box<Replay>),
}

impl Turn {
    /// Accepts a request that may become a turn. The text is scored meanwhile, since that needs no session.
    pub(super) async fn accept(
        engine: Arc<Engine>,
        ask: Ask,
        reader: mpsc::Sender<Message>,
    ) -> Result<Entrance, Error> {
        let began = std::time::Instant::now();
        let deadline = Instant::now() + engine.config.turn.timeout;
        // Without agents there is nobody to answer, and nothing is worth storing.
        engine.roster.now()?;
        let guess = guess(&engine, &ask);
        let acceptance = acceptance(&engine, &ask);
        let accepted = match accept_beside(&engine, &acceptance, guess.clone()).await? {
            Verdict::Mismatch => return Err(Error::IdempotencyConflict),
            Verdict::Accepted(accepted) => accepted,
            Verdict::Known(known) => {
                let replay = Replay { engine, ask, known: *known, reader, deadline };
                return Ok(Entrance::Known(Box::new(replay)));
            }
        };
        let mut turn = Self::begin(engine, ask, *accepted, (reader, deadline))?;
        turn.began = began;
        turn.guess = guess;
        turn.record.time("accept", began);
        turn.announce().await;
        Ok(Entrance::New(Box::new(turn)))
    }

    /// A turn that was accepted, with nothing done about it yet.
    pub(super) fn begin(
        engine: Arc<Engine>,
        ask: Ask,
        accepted: Accepted,
        (reader, deadline): (mpsc::Sender<Message>, Instant),
    ) -> Result<Self, Error> {
        let lease = accepted.lease;
        let agents = engine.roster.now()?;
        let events = Events::new(reader, &ask.context.request_id, &lease.session_id);
        let record = Record {
            request_id: ask.context.request_id.clone(),
            turn_id: lease.turn_id.clone(),
            session_id: lease.session_id.clone(),
            attempt: lease.attempt,
            input: Input { sha256: digest(&ask.input), length: ask.input.chars().count() },
            registry_generation: agents.generation(),
            ..Record::default()
        };
        Ok(Self {
            tenure: engine.keeper.hold(lease, &ask.owner, &ask.context.request_id),
            engine,
            ask,
            events,
            agents,
            session: accepted.session,
            session_new: accepted.session_new,
            scene: accepted.scene,
            guess: None,
            sense: Sense::default(),
            routing: Routing::default(),
            progress: Progress::default(),
            record,
            began: std::time::Instant::now(),
            deadline,
        })
    }

    async fn announce(&mut self) {
        let session_id = self.session.session_id.clone();
        if self.session_new && self.tenure.lease.attempt == 1 && !self.tenure.lease.is_anonymous {
            let tenant = &self.ask.owner.tenant;
            tracing::info!(
                audit = true,
                event_type = "session.created",
                session_id,
                tenant,
                outcome = "success",
                "a session began"
            );
        }
        let accepted = AcceptedEvent {
            request_id: self.ask.context.request_id.clone(),
            session_id,
            session_new: self.session_new,
            turn_seq: self.tenure.lease.seq,
            session_ref: self.ask.reference.key().to_owned(),
        };
        self.events.emit(Event::Accepted(accepted)).await;
    }
}

/// Scores the text already, when it will be scored whatever the session says.
fn guess(engine: &Arc<Engine>, ask: &Ask) -> Option<Guess> {
    if engine.config.turn.bypass && !engine.config.handoff.topic_detection {
        return None;
    }
    let request = ClassifyRequest {
        context: Some(ask.context.clone()),
        text: ask.input.clone(),
        locale: ask.locale.clone(),
        prior_language: String::new(),
    };
    let engine = engine.clone();
    let span = tracing::info_span!("classifier.classify");
    let work = async move {
        // The writer of the store is woken first, so that the commit is under way meanwhile.
        tokio::task::yield_now().await;
        engine.peers.classify(request).await
    };
    Some(work.instrument(span).boxed().shared())
}

fn acceptance(engine: &Engine, ask: &Ask) -> Acceptance {
    let given = ask.metadata_json.as_str();
    Acceptance {
        owner: ask.owner.clone(),
        request_id: ask.context.request_id.clone(),
        turn_id: Uuid::new_v4().to_string(),
        fingerprint: ask.fingerprint.clone(),
        place: ask.place.clone(),
        profile: ask.profile.clone(),
        input: ask.input.clone(),
        metadata_json: if given.is_empty() { "{}" } else { given }.to_owned(),
        now_ms: clock::now_ms(),
        limits: engine.limits(),
    }
}

async fn accept_beside(
    engine: &Engine,
    acceptance: &Acceptance,
    guess: Option<Guess>,
) -> Result<Verdict, Error> {
    let began = std::time::Instant::now();
    let span = tracing::info_span!("session.lookup");
    let accept = engine.store.accept(acceptance).instrument(span);
    let verdict = match guess {
        None => accept.await,
        Some(guess) => {
            tokio::pin!(accept);
            tokio::select! {
                biased;
                verdict = &mut accept => verdict,
                _ = guess => accept.await,
            }
        }
    }?;
    let is_hit = !matches!(&verdict, Verdict::Accepted(accepted) if accepted.session_new);
    let hit = if is_hit { "true" } else { "false" };
    metrics::histogram!("session.lookup.duration_ms", "hit" => hit)
        .record(began.elapsed().as_secs_f64() * 1_000.0);
    Ok(verdict)
}

/// The digest under which an input may be spoken of.
fn digest(input: &str) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(input))
}
