//! Step 10: another agent takes over, the user is asked which one, or nobody does and the source goes on.

use chassis::clock;
use proto::v1::turn_event::Event;
use proto::v1::{
    AbortRequest, CompleteRequest, Entry as Message, HandoffCompleted, HandoffRejected,
    HandoffStarted, TransferOptions, TransferRequest, TransferResponse,
};
use tonic::Status;

use super::seat::{Otherwise, Pass, Seat, Wish};
use super::{Question, Step, Turn};
use crate::clarification::Kind;
use crate::error::Error;
use crate::gate::Action;
use crate::record::Transferred;
use crate::store::Entry;

/// Why nobody takes over when the handoff service cannot be asked.
pub(super) const UNEXPECTED: &str = "unexpected_error";
/// Why nobody takes over when enough agents have.
const HOP_LIMIT: &str = "hop_limit";
const MAY_NOT_ASK: [&str; 2] = ["load_balancing", "escalation_requested"];

impl Turn {
    pub(super) async fn hand_over(&mut self, wish: Wish) -> Result<Step, Error> {
        if self.engine.config.handoff.max_hops <= self.progress.hops {
            return self.stay(wish, HOP_LIMIT, "").await;
        }
        let request = self.transfer_request(&wish);
        let Ok(answer) = self.find_receiver(&wish, request).await? else {
            return self.stay(wish, UNEXPECTED, "").await;
        };
        for rejection in &answer.rejections {
            let rejected = HandoffRejected {
                handoff_id: wish.handoff_id.clone(),
                agent_id: rejection.agent_id.clone(),
                reason: rejection.reason.clone(),
                class: rejection.class.clone(),
                r#final: false,
            };
            self.events.emit(Event::HandoffRejected(rejected)).await;
        }
        self.follow(wish, answer).await
    }

    /// Asks the handoff service for somebody who takes over.
    pub(super) async fn find_receiver(
        &mut self,
        wish: &Wish,
        request: TransferRequest,
    ) -> Result<Result<TransferResponse, Status>, Error> {
        let began = std::time::Instant::now();
        let excluded = request.exclude.clone();
        let transfer = self.engine.peers.transfer(request, self.left());
        let answer = match self.bounded(transfer).await {
            Ok(answer) => answer,
            Err(error) => {
                self.abort(&wish.handoff_id, "the turn has ended").await;
                return Err(error);
            }
        };
        if let Err(error) = &answer {
            tracing::error!(%error, "the handoff service cannot be asked");
        }
        self.record.time("transfer", began);
        self.note_transfer(wish, excluded, &answer);
        Ok(answer)
    }

    /// Does what the handoff service decided.
    async fn follow(&mut self, wish: Wish, answer: TransferResponse) -> Result<Step, Error> {
        let decision = answer.decision.unwrap_or_default();
        if !answer.accepted_agent.is_empty() {
            let started = HandoffStarted {
                handoff_id: wish.handoff_id.clone(),
                from_agent: wish.source.clone(),
                to_agent: answer.accepted_agent.clone(),
                trigger: wish.trigger.r#type.clone(),
                hop: self.progress.hops + 1,
            };
            self.events.emit(Event::HandoffStarted(started)).await;
            let brief = answer.brief.unwrap_or_default();
            let mut seat = Seat::of(answer.accepted_agent);
            seat.pass = Some(Box::new(Pass { wish, brief }));
            return Ok(Step::Attend(seat));
        }
        if decision.r#type == "clarification" {
            let answered = self.progress.answer.as_ref();
            return Ok(Step::Ask(Question {
                text: decision.questions.first().cloned(),
                candidates: decision.candidate_agents,
                reason: "Handoff target ambiguous, clarification required".to_owned(),
                kind: Kind::Handoff,
                message: answered.map(|answer| answer.response.clone()),
            }));
        }
        let reason = if decision.reason.is_empty() { UNEXPECTED } else { &decision.reason };
        self.stay(wish, reason, &decision.fallback_agent).await
    }

    /// Nobody takes over: what the source said stands, or it answers now, or the default agent does in its place.
    async fn stay(&mut self, wish: Wish, reason: &str, fallback: &str) -> Result<Step, Error> {
        self.reject(&wish, "", "", reason).await;
        match wish.otherwise {
            Otherwise::Stand => self.conclude().await.map(Step::Rest),
            Otherwise::Attend(seat) => Ok(Step::Attend(*seat)),
            Otherwise::Fail(error) if fallback.is_empty() => Err(error),
            Otherwise::Fail(error) => {
                let reason = self.fallback_reason(&error);
                self.go(fallback, Action::Fallback, &reason).await;
                Ok(Step::Attend(Seat {
                    is_stand_in: true,
                    may_fail_over: false,
                    ..Seat::of(fallback)
                }))
            }
        }
    }

    /// Tells that an agent did not take over, or, without one, that in the end nobody did.
    pub(super) async fn reject(&mut self, wish: &Wish, agent_id: &str, class: &str, reason: &str) {
        let rejected = HandoffRejected {
            handoff_id: wish.handoff_id.clone(),
            agent_id: agent_id.to_owned(),
            reason: reason.to_owned(),
            class: class.to_owned(),
            r#final: agent_id.is_empty(),
        };
        self.events.emit(Event::HandoffRejected(rejected)).await;
    }

    /// The switch was committed: the receiver's lease becomes the session's slot. The sweep repeats what fails here.
    pub(super) async fn complete(&mut self, pass: Box<Pass>) {
        let to_agent = self.progress.visited.last().cloned().unwrap_or_default();
        let request = CompleteRequest {
            context: Some(self.ask.context.clone()),
            handoff_id: pass.wish.handoff_id.clone(),
            session_id: self.holder().to_owned(),
            agent_id: to_agent.clone(),
            slot_ttl_ms: self.engine.config.session.ttl_ms,
        };
        if let Err(error) = self.engine.peers.complete(request).await {
            let handoff_id = &pass.wish.handoff_id;
            tracing::warn!(handoff_id, %error, "a committed handoff will be completed later");
        }
        let elapsed = pass.wish.began.elapsed().as_millis();
        let completed = HandoffCompleted {
            handoff_id: pass.wish.handoff_id,
            from_agent: pass.wish.source,
            to_agent,
            trigger: pass.wish.trigger.r#type,
            hop: self.progress.hops,
            duration_ms: i64::try_from(elapsed).unwrap_or(i64::MAX),
        };
        self.events.emit(Event::HandoffCompleted(completed)).await;
    }

    /// The switch will not be committed. The sweep repeats what fails here.
    pub(super) async fn abort(&self, handoff_id: &str, reason: &str) {
        let request = AbortRequest {
            context: Some(self.ask.context.clone()),
            handoff_id: handoff_id.to_owned(),
            reason: reason.to_owned(),
        };
        if let Err(error) = self.engine.peers.abort(request).await {
            tracing::debug!(handoff_id, %error, "a handoff was not aborted");
        }
    }

    pub(super) fn transfer_request(&self, wish: &Wish) -> TransferRequest {
        let history = self.scene.as_ref().map_or(&[][..], |scene| &scene.history);
        let now = (!self.ask.input.is_empty()).then(|| self.user_entry(clock::now_ms()));
        let history = history.iter().map(|line| -> &Entry { line });
        let said = history.chain(&now).chain(&self.progress.said);
        let mut exclude = self.progress.visited.clone();
        exclude.extend(wish.failed.iter().cloned());
        if !exclude.contains(&wish.source) {
            exclude.push(wish.source.clone());
        }
        let left_ms = i64::try_from(self.left().as_millis()).unwrap_or(i64::MAX);
        let settings = &self.engine.config.handoff;
        let is_failover = wish.trigger.is_failover;
        let may_ask = self.engine.config.clarification.enabled
            && !self.tenure.lease.is_anonymous
            && self.sense.attempts < self.engine.config.clarification.max_attempts
            && !is_failover
            && !MAY_NOT_ASK.contains(&wish.trigger.r#type.as_str());
        TransferRequest {
            context: Some(self.ask.context.clone()),
            handoff_id: wish.handoff_id.clone(),
            session_id: self.holder().to_owned(),
            source_agent: wish.source.clone(),
            trigger: Some(wish.trigger.clone()),
            language: self.sense.language.clone(),
            exclude,
            breaker_refused: self.engine.breakers.refused_hint(),
            history: said.map(message).collect(),
            source_summary: wish.summary.clone(),
            conversation_state_json: self
                .scene
                .as_ref()
                .map(|scene| scene.state_json.clone())
                .unwrap_or_default(),
            custom_data_json: self.ask.metadata_json.clone(),
            options: Some(TransferOptions {
                policy: if is_failover { "strict".to_owned() } else { String::new() },
                strategy: String::new(),
                require_acceptance: Some(settings.require_acceptance),
                include_history: Some(settings.include_history),
                may_ask,
            }),
            turn_deadline_ms: clock::now_ms().saturating_add(left_ms),
        }
    }

    fn note_transfer(
        &mut self,
        wish: &Wish,
        excluded: Vec<String>,
        answer: &Result<TransferResponse, Status>,
    ) {
        let mut noted = Transferred {
            handoff_id: wish.handoff_id.clone(),
            from_agent: wish.source.clone(),
            trigger: wish.trigger.r#type.clone(),
            excluded,
            ..Transferred::default()
        };
        match answer {
            Err(_) => UNEXPECTED.clone_into(&mut noted.reason),
            Ok(answer) => {
                noted.accepted_agent.clone_from(&answer.accepted_agent);
                let rejections = answer.rejections.iter();
                noted.rejections =
                    rejections.map(|r| (r.agent_id.clone(), r.class.clone())).collect();
                noted = noted.deciding(&answer.decision.clone().unwrap_or_default());
            }
        }
        self.record.handoffs.push(noted);
    }
}

fn message(entry: &Entry) -> Message {
    Message {
        role: entry.role.name().to_owned(),
        content: entry.content.clone(),
        timestamp_ms: entry.timestamp_ms,
        intent_summary: entry.intent_summary.clone(),
        agent_id: entry.agent_id.clone(),
        request_id: entry.request_id.clone(),
        position: entry.position,
    }
}
