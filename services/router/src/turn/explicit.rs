//! A handoff that somebody asks for outside any message (contract, section 5.6): it waits its turn like a message, and
//! switches the active agent without an answer.

use std::sync::Arc;

use chassis::clock;
use prost::Message as _;
use proto::v1::{Context, HandoffDecision, TransferResponse, Trigger, TriggerHandoffResponse};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use super::ask::{fingerprint, hex};
use super::handover::UNEXPECTED;
use super::seat::{Otherwise, Pass, Seat, Wish};
use super::{Ask, Turn};
use crate::ending::Ending;
use crate::engine::Engine;
use crate::error::Error;
use crate::session::{Change, Owner, Profile, Reference, Switch, position};
use crate::store::{Acceptance, Mark, Place, Verdict};

/// A handoff that somebody asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transferal {
    pub context: Context,
    pub owner: Owner,
    pub session_id: String,
    pub reason: String,
    pub target_agent: String,
    pub required_skills: Vec<String>,
    /// The kind of trigger; empty: what the other fields suggest.
    pub trigger: String,
    pub summary: String,
    pub policy: String,
    pub strategy: String,
    pub include_history: Option<bool>,
    pub require_acceptance: Option<bool>,
}

/// Hands a session over, or finds what an equal request did before.
pub(crate) async fn transfer(
    engine: Arc<Engine>,
    asked: Transferal,
) -> Result<TriggerHandoffResponse, Error> {
    let (teller, told) = oneshot::channel();
    let life = engine.life.clone();
    let task = async move {
        // A caller who has gone away does not need to know.
        let _ = teller.send(run(engine, asked).await);
    };
    life.spawn("handoff", task.in_current_span());
    told.await.unwrap_or(Err(Error::Internal))
}

async fn run(engine: Arc<Engine>, asked: Transferal) -> Result<TriggerHandoffResponse, Error> {
    let deadline = Instant::now() + engine.config.turn.timeout;
    let ask = asked.as_ask();
    let acceptance = Acceptance {
        owner: ask.owner.clone(),
        request_id: ask.context.request_id.clone(),
        turn_id: Uuid::new_v4().to_string(),
        fingerprint: ask.fingerprint.clone(),
        place: ask.place.clone(),
        profile: Profile::default(),
        input: String::new(),
        metadata_json: "{}".to_owned(),
        now_ms: clock::now_ms(),
        limits: engine.limits(),
    };
    let accepted = match engine.store.accept(&acceptance).await? {
        Verdict::Mismatch => return Err(Error::IdempotencyConflict),
        Verdict::Known(known) => {
            return match known.ending {
                None => Err(Error::RequestInProgress),
                Some(Ending::Result { body, .. }) => decoded(&body),
                Some(Ending::Error(_)) => Err(Error::SessionClosed),
            };
        }
        Verdict::Accepted(accepted) => *accepted,
    };
    // Nobody listens to the events of such a turn.
    let (nobody, _) = mpsc::channel(1);
    let mut turn = Box::new(Turn::begin(engine, ask, accepted, (nobody, deadline))?);
    match turn.transfer(asked).await {
        Ok(response) => {
            let ending = turn.conclusion(&response);
            turn.finish(Ok(ending)).await;
            Ok(response)
        }
        Err(error) => {
            let status = tonic::Status::from(&error);
            turn.finish(Err(error)).await;
            Err(Error::Status(status))
        }
    }
}

impl Turn {
    async fn transfer(&mut self, asked: Transferal) -> Result<TriggerHandoffResponse, Error> {
        self.order().await?;
        let source = match self.session.active_agent.as_str() {
            "" => self.agents.default_id().to_owned(),
            active => active.to_owned(),
        };
        self.sense.language.clone_from(&self.session.language);
        self.sense.intent_summary.clone_from(&self.session.intent_summary);
        let mut response = TriggerHandoffResponse {
            session_id: self.session.session_id.clone(),
            from_agent: source.clone(),
            ..TriggerHandoffResponse::default()
        };
        let trigger = asked.trigger(&self.session.intent);
        let mut wish = Wish::new(&source, trigger, Otherwise::Stand, clock::now_ms());
        wish.summary.clone_from(&asked.summary);
        response.handoff_id.clone_from(&wish.handoff_id);
        let mut request = self.transfer_request(&wish);
        asked.adjust(&mut request);
        "handoff".clone_into(&mut self.record.outcome);
        let answer = self.find_receiver(&wish, request).await?.unwrap_or_else(|_| {
            let decision = HandoffDecision {
                r#type: "fallback".to_owned(),
                reason: UNEXPECTED.to_owned(),
                ..HandoffDecision::default()
            };
            TransferResponse { decision: Some(decision), ..TransferResponse::default() }
        });
        let decision = answer.decision.unwrap_or_default();
        if answer.accepted_agent.is_empty() {
            response.rejection_reason = match decision.r#type.as_str() {
                "clarification" => "clarification_required".to_owned(),
                _ => decision.reason.clone(),
            };
            response.decision = Some(decision);
            response.duration_ms = self.duration_ms();
            let ending = self.conclusion(&response);
            let page = self.page(Mark::Final(ending, self.record.json()), clock::now_ms());
            self.persist(page).await?;
            return Ok(response);
        }
        response.success = true;
        response.receiving_agent.clone_from(&answer.accepted_agent);
        response.decision = Some(decision);
        let mut seat = Seat::of(answer.accepted_agent);
        let brief = answer.brief.unwrap_or_default();
        seat.pass = Some(Box::new(Pass { wish, brief }));
        let include_history =
            asked.include_history.unwrap_or(self.engine.config.handoff.include_history);
        self.switch(seat, include_history, &mut response).await?;
        Ok(response)
    }

    /// Commits the switch alone.
    async fn switch(
        &mut self,
        seat: Seat,
        include_history: bool,
        response: &mut TriggerHandoffResponse,
    ) -> Result<(), Error> {
        response.duration_ms = self.duration_ms();
        let ending = self.conclusion(response);
        let mut page = self.page(Mark::Final(ending, self.record.json()), clock::now_ms());
        let from = position(self.tenure.lease.seq, 0);
        page.change = Change {
            switch: Some(Switch {
                handoff_id: response.handoff_id.clone(),
                to_agent: seat.agent_id.clone(),
                brief_json: self.brief(&seat).unwrap_or_default(),
                history_from: if include_history { 0 } else { from },
            }),
            pending: self.session.pending.clone(),
            ..Change::default()
        };
        if let Err(error) = self.persist(page).await {
            return Err(self.drop_pass(seat, error).await);
        }
        self.progress.visited.push(seat.agent_id);
        if let Some(pass) = seat.pass {
            self.progress.hops += 1;
            self.complete(pass).await;
        }
        Ok(())
    }

    fn conclusion(&self, response: &TriggerHandoffResponse) -> Ending {
        Ending::Result { body: hex(&response.encode_to_vec()), budget: None }
    }
}

impl Transferal {
    fn as_ask(&self) -> Ask {
        let skills = self.required_skills.join(",");
        let content = [&self.reason, &self.target_agent, &skills, &self.trigger, &self.summary];
        let content = content.map(String::as_str).join("\u{1f}");
        Ask {
            context: Context { user_id: self.owner.user_id.clone(), ..self.context.clone() },
            owner: self.owner.clone(),
            place: Place::Only(self.session_id.clone()),
            reference: Reference::Named(self.session_id.clone()),
            input: String::new(),
            locale: String::new(),
            metadata_json: String::new(),
            task_id: String::new(),
            profile: Profile::default(),
            fingerprint: fingerprint(&content, &self.session_id, "handoff"),
        }
    }

    fn trigger(&self, intent: &str) -> Trigger {
        let is_specific = !self.target_agent.is_empty() || !self.required_skills.is_empty();
        let kind = match (self.trigger.as_str(), is_specific) {
            ("", true) => "specialist_required",
            ("", false) => "escalation_requested",
            (given, _) => given,
        };
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let current = if intent.is_empty() { Vec::new() } else { owned(&[intent]) };
        let (skills, domains) = match kind {
            _ if !self.required_skills.is_empty() => {
                (self.required_skills.clone(), self.required_skills.clone())
            }
            "escalation_requested" => {
                (owned(&["escalation", "supervisor"]), owned(&["escalation", "support"]))
            }
            "confidence_too_low" => (current.clone(), current),
            "load_balancing" => (Vec::new(), current),
            _ => (Vec::new(), Vec::new()),
        };
        Trigger {
            r#type: kind.to_owned(),
            reason: self.reason.clone(),
            requested_by: "user".to_owned(),
            required_skills: skills,
            target_domains: domains,
            target_agent: self.target_agent.clone(),
            ..Trigger::default()
        }
    }

    fn adjust(&self, request: &mut proto::v1::TransferRequest) {
        let Some(options) = &mut request.options else { return };
        options.policy.clone_from(&self.policy);
        options.strategy.clone_from(&self.strategy);
        options.include_history = self.include_history.or(options.include_history);
        options.require_acceptance = self.require_acceptance.or(options.require_acceptance);
        options.may_ask = true;
    }
}

fn decoded(body: &str) -> Result<TriggerHandoffResponse, Error> {
    let byte = |at: usize| u8::from_str_radix(body.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..body.len()).step_by(2).map(byte).collect();
    let bytes = bytes.ok_or(Error::Internal)?;
    TriggerHandoffResponse::decode(bytes.as_slice()).map_err(|_| Error::Internal)
}
