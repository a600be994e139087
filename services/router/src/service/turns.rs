use chassis::fault::Violation;
use proto::v1::{
    CancelTurnRequest, CancelTurnResponse, ConverseRequest, ExplainRequest, ExplainResponse,
    TriggerHandoffRequest, TriggerHandoffResponse,
};
use tokio::sync::mpsc;

use super::{Service, possible};
use crate::config::InjectionAction;
use crate::error::Error;
use crate::events::Message;
use crate::turn::{self, Ask, Transferal, kept, owner_of};

const REASON_CHARS_MAX: usize = 500;
/// The kinds of trigger that a caller may name.
const TRIGGERS: [&str; 5] = [
    "specialist_required",
    "escalation_requested",
    "topic_boundary_crossed",
    "confidence_too_low",
    "load_balancing",
];

impl Service {
    pub(super) async fn converse_with(
        &self,
        request: ConverseRequest,
    ) -> Result<mpsc::Receiver<Message>, Error> {
        if self.engine.life.is_stopping() {
            return Err(Error::ShuttingDown);
        }
        let ask = Ask::of(request)?;
        self.screen(&ask)?;
        turn::converse(self.engine.clone(), ask).await
    }

    /// Looks for instructions that are not the user's to give.
    fn screen(&self, ask: &Ask) -> Result<(), Error> {
        let action = self.engine.config.injection;
        if action == InjectionAction::Off {
            return Ok(());
        }
        let verdict = chassis::screen::screen(&ask.input);
        if !verdict.is_flagged() {
            return Ok(());
        }
        let is_blocked = action == InjectionAction::Block;
        let reasons: Vec<_> = verdict.reasons.iter().map(|reason| reason.name()).collect();
        let (request_id, reasons) = (&ask.context.request_id, reasons.join(","));
        let outcome = if is_blocked { "failure" } else { "success" };
        tracing::info!(
            audit = true,
            event_type = "security.prompt_injection",
            request_id,
            reasons,
            outcome,
            "an input looks like an injection"
        );
        if is_blocked { Err(Error::InputRejected) } else { Ok(()) }
    }

    pub(super) async fn cancel(
        &self,
        request: CancelTurnRequest,
    ) -> Result<CancelTurnResponse, Error> {
        let owner = owner_of(&request.context.unwrap_or_default())?;
        let request_id = request.request_id;
        let is_ours = self.engine.keeper.cancel(&owner, &request_id);
        let cancelled = is_ours || self.engine.store.cancel(&owner, &request_id).await?;
        Ok(CancelTurnResponse { cancelled })
    }

    pub(super) async fn hand_over(
        &self,
        request: TriggerHandoffRequest,
    ) -> Result<TriggerHandoffResponse, Error> {
        if self.engine.life.is_stopping() {
            return Err(Error::ShuttingDown);
        }
        check(&request)?;
        possible(&request.session_id, Error::SessionNotFound)?;
        let context = request.context.unwrap_or_default();
        let user_id = (!request.any_owner).then_some(context.user_id.as_str());
        let session = self.engine.store.session(&context.tenant, user_id, &request.session_id);
        let session = session.await?;
        let target = &request.target_agent;
        if !target.is_empty() && self.engine.roster.now()?.get(target).is_none() {
            return Err(Error::AgentNotFound(target.clone()));
        }
        let asked = Transferal {
            owner: session.owner,
            session_id: session.session_id,
            reason: kept(&request.reason),
            target_agent: request.target_agent,
            required_skills: request.required_skills.iter().map(|skill| kept(skill)).collect(),
            trigger: request.trigger,
            summary: kept(&request.summary),
            policy: request.policy,
            strategy: request.strategy,
            include_history: request.include_history,
            require_acceptance: request.require_acceptance,
            context,
        };
        turn::transfer(self.engine.clone(), asked).await
    }

    pub(super) async fn explained(
        &self,
        request: ExplainRequest,
    ) -> Result<ExplainResponse, Error> {
        possible(&request.request_id, Error::RecordNotFound)?;
        let context = request.context.unwrap_or_default();
        let user_id = (!request.any_owner).then_some(context.user_id.as_str());
        let record = self.engine.store.record(&context.tenant, user_id, &request.request_id);
        let record_json = record.await?.ok_or(Error::RecordNotFound)?;
        Ok(ExplainResponse { record_json })
    }
}

fn check(request: &TriggerHandoffRequest) -> Result<(), Error> {
    let mut violations = Vec::new();
    let mut fault = |path: &str, message: &str| {
        violations.push(Violation { path: path.to_owned(), message: message.to_owned() });
    };
    if !(1..=REASON_CHARS_MAX).contains(&request.reason.chars().count()) {
        fault("reason", "is not 1 to 500 characters");
    }
    let is_known = |value: &str, names: &[&str]| value.is_empty() || names.contains(&value);
    if !is_known(&request.trigger, &TRIGGERS) {
        fault("trigger", "is not a kind of trigger");
    }
    if !is_known(&request.policy, &["strict", "best_effort", "hierarchical"]) {
        fault("policy", "is not one of strict, best_effort, hierarchical");
    }
    if !is_known(&request.strategy, &["hybrid", "summary", "sliding_window"]) {
        fault("strategy", "is not one of hybrid, summary, sliding_window");
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}
