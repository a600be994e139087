//! Step 6: money, a slot and the breaker's permit, asked for side by side, before the agent hears anything.

use std::time::Duration;

use proto::v1::turn_event::Event;
use proto::v1::{
    AcquireSlotRequest, Agent, BudgetChecked, Decision, ReserveRequest, Scope, ScopeState,
};
use tonic::Status;
use tracing::Instrument as _;

use super::arguments::Arguments;
use super::refusal::{Refused, denied};
use super::settle::headers;
use super::{Seat, Turn};
use crate::body::Budget;
use crate::breaker_store::Permit;
use crate::error::Error;
use crate::record::{Dispatched, Tightest};

/// A reservation outlives the call that it is for by this factor.
const TTL_FACTOR: i64 = 2;

/// The leave to call an agent.
pub(super) struct Admission {
    pub agent: Agent,
    pub arguments: Arguments,
    pub charge: Reservation,
    pub permit: Permit,
}

/// Money that is held for a call.
#[derive(Debug)]
pub(super) struct Reservation {
    /// Its id, and the idempotency key of the call.
    pub charge_id: String,
    /// What the budget decided; absent when it could not be asked and the turn goes on without it.
    pub decision: Option<Decision>,
    /// Who is charged.
    pub scopes: Vec<Scope>,
    /// The estimated tokens of the call.
    pub input_tokens: i64,
}

impl Turn {
    pub(super) async fn reserve(&mut self, seat: &Seat) -> Result<Admission, Error> {
        let began = std::time::Instant::now();
        let missing = || Error::AgentUnavailable(seat.agent_id.clone());
        let agent = self.agents.get(&seat.agent_id).cloned().ok_or_else(missing)?;
        let mut arguments = self.arguments(seat).await?;
        let charge_id = self.next_charge();
        self.progress.hop = self.progress.hops + i64::from(seat.pass.is_some());
        self.record.dispatches.push(Dispatched {
            agent_id: agent.agent_id.clone(),
            hop: self.progress.hop,
            charge_id: charge_id.clone(),
            ..Dispatched::default()
        });
        let limit = self.call_limit(&agent);
        let request = self.reserve_request(&agent, &charge_id, arguments.tokens(), limit);
        let (scopes, input_tokens) = (request.scopes.clone(), request.input_tokens);
        let reserve = self.engine.peers.reserve(request);
        let hold_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let (reserved, slot, permit) = self
            .bounded(async {
                tokio::join!(
                    reserve.instrument(tracing::info_span!("budget.reserve")),
                    self.take_slot(seat),
                    self.engine.breakers.acquire(&agent.agent_id, hold_ms),
                )
            })
            .await?;
        self.record.time("reserve", began);
        let decision = self.weigh(reserved).await;
        let charge = |decision| Reservation { charge_id, decision, scopes, input_tokens };
        match (decision, slot, permit) {
            (Ok(decision), true, Ok(permit)) => {
                self.granted(decision.as_ref(), &mut arguments);
                Ok(Admission { agent, arguments, charge: charge(decision), permit })
            }
            (decision, slot, permit) => {
                let charge_id = charge(None).charge_id;
                let refused = Refused { seat, charge_id, slot };
                Err(self.give_back(refused, decision, permit).await)
            }
        }
    }

    /// How long the agent may take.
    fn call_limit(&self, agent: &Agent) -> Duration {
        let settings = &self.engine.config.dispatch;
        let own_ms = agent.timeout_ms.unwrap_or(settings.request_timeout_ms);
        Duration::from_millis(own_ms.max(0).unsigned_abs()).min(self.left())
    }

    fn next_charge(&mut self) -> String {
        let lease = &self.tenure.lease;
        let id = format!("{}/{}/{}", lease.turn_id, lease.attempt, self.progress.dispatches);
        self.progress.dispatches += 1;
        id
    }

    fn reserve_request(
        &self,
        agent: &Agent,
        charge_id: &str,
        input_tokens: i64,
        limit: Duration,
    ) -> ReserveRequest {
        let any = || vec!["*".to_owned()];
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let cost = agent.cost.clone().unwrap_or_default();
        ReserveRequest {
            context: Some(self.ask.context.clone()),
            charge_id: charge_id.to_owned(),
            scopes: self.scopes(&agent.agent_id),
            model: cost.model,
            input_tokens,
            max_output_tokens: cost.max_output_tokens,
            per_call_micros: cost.per_call_micros,
            estimate_micros: None,
            tools: if agent.tools.is_empty() { any() } else { agent.tools.clone() },
            ttl_ms: limit_ms.saturating_mul(TTL_FACTOR),
            agent_id: agent.agent_id.clone(),
        }
    }

    /// Who is charged for a call of this turn.
    fn scopes(&self, agent_id: &str) -> Vec<Scope> {
        let scope = |kind: &str, key: &str| Scope { r#type: kind.to_owned(), key: key.to_owned() };
        let mut scopes = vec![scope("org", "mesh")];
        if !self.tenure.lease.is_anonymous {
            scopes.push(scope("user", &self.ask.owner.user_id));
            scopes.push(scope("session", &self.session.session_id));
        }
        scopes.push(scope("agent", agent_id));
        if !self.ask.task_id.is_empty() {
            scopes.push(scope("task", &self.ask.task_id));
        }
        scopes
    }

    /// Whether the agent has a place for this session. The receiver of a handoff has one already.
    async fn take_slot(&self, seat: &Seat) -> bool {
        if seat.pass.is_some() {
            return true;
        }
        let anonymous = self.tenure.lease.is_anonymous;
        let turn_ms =
            i64::try_from(self.engine.config.turn.timeout.as_millis()).unwrap_or(i64::MAX);
        let request = AcquireSlotRequest {
            context: Some(self.ask.context.clone()),
            agent_id: seat.agent_id.clone(),
            holder: self.holder().to_owned(),
            ttl_ms: if anonymous { turn_ms } else { self.engine.config.session.ttl_ms },
        };
        match self.engine.peers.acquire_slot(request).await {
            Ok(slot) => slot.granted,
            Err(error) => {
                tracing::warn!(agent_id = seat.agent_id, %error, "a slot is not counted");
                true
            }
        }
    }

    /// What the budget's answer means; nothing to go by when it could not be asked and need not be.
    async fn weigh(
        &mut self,
        reserved: Result<Decision, Status>,
    ) -> Result<Option<Decision>, Error> {
        match reserved {
            Ok(decision) => {
                if let Some(noted) = self.record.dispatches.last_mut() {
                    noted.budget_action.clone_from(&decision.action);
                    noted.reserved_micros = decision.reserved_micros;
                    noted.tightest = Tightest::of(&decision.scopes);
                }
                self.progress.headers = headers(&decision.scopes, &decision);
                self.tell(&decision).await;
                if decision.allowed { Ok(Some(decision)) } else { Err(denied(&decision)) }
            }
            Err(error) => {
                tracing::error!(%error, "the budget cannot be asked");
                match self.engine.config.budget.fail_open {
                    true => Ok(None),
                    false => Err(Error::BudgetUnavailable),
                }
            }
        }
    }

    fn granted(&mut self, decision: Option<&Decision>, arguments: &mut Arguments) {
        if let Some(noted) = self.record.dispatches.last_mut() {
            noted.slot = true;
            "granted".clone_into(&mut noted.breaker);
        }
        let Some(decision) = decision else {
            self.progress.budget = Budget { action: "allow".to_owned(), ..Budget::default() };
            return;
        };
        let remaining = remaining_after(decision);
        if let Some(remaining) = remaining {
            let model = cheaper(decision);
            arguments.limit(model, &decision.disabled_tools, remaining);
        }
        self.progress.budget = Budget {
            action: decision.action.clone(),
            remaining_micros: remaining,
            disabled_tools: decision.disabled_tools.clone(),
        };
    }

    async fn tell(&mut self, decision: &Decision) {
        let checked = BudgetChecked {
            action: decision.action.clone(),
            reserved_micros: decision.reserved_micros,
            remaining_micros: remaining_after(decision),
            model: cheaper(decision).unwrap_or_default().to_owned(),
            disabled_tools: decision.disabled_tools.clone(),
            hop: self.progress.hop,
        };
        self.events.emit(Event::Budget(checked)).await;
    }
}

/// What is left in the tightest scope once the call has what was reserved for it.
fn remaining_after(decision: &Decision) -> Option<i64> {
    let left = |scope: &ScopeState| match decision.allowed {
        true => scope.remaining_after_micros,
        false => scope.remaining_micros,
    };
    decision.scopes.iter().map(left).min()
}

/// The model that the call has to do with, when it is not the one it would like.
fn cheaper(decision: &Decision) -> Option<&str> {
    Some(decision.model.as_str()).filter(|_| decision.action == "degrade")
}
