//! Step 8: the call is charged or its money given back, and the breaker is told how it went.
//!
//! Of an answer it is decided here what it costs, which stands in the result; the commit of the charge goes on beside that
//! of the result, with which it is stored as owed until it is confirmed.

use std::time::Duration;

use chassis::tokens;
use proto::v1::{Decision, ScopeState};
use tonic::Code;
use tracing::Instrument as _;

use super::Turn;
use super::dispatch::Spoken;
use crate::breaker::Outcome;
use crate::breaker_store::Permit;
use crate::charge::{Charged, begin, carry_out};
use crate::dispatch::{ReplyUsage, Settlement as Verdict};
use crate::ending::Headers;
use crate::engine::Engine;
use crate::peers::Confirmation;
use crate::store::{Order, Settlement, Used};

/// How long an answer waits for the commit of its charge, and how long the sweep leaves that to the turn.
const CONFIRM_LIMIT: Duration = Duration::from_secs(2);
const CONFIRM_LEAVE_MS: i64 = 3_000;

/// What is still to be done when it is decided what a call costs.
pub(super) struct Rest {
    report: Option<(Permit, Outcome)>,
    confirmation: Option<(String, Confirmation)>,
}

impl Rest {
    /// Tells the breaker, and waits for the commit of the charge; the sweep repeats what is not confirmed.
    pub(super) async fn be_done(self, engine: &Engine) {
        let report = async {
            if let Some((permit, outcome)) = self.report {
                engine.breakers.report(permit, outcome).await;
            }
        };
        let confirm = async {
            let Some((charge_id, confirmation)) = self.confirmation else { return };
            let confirmed = tokio::time::timeout(CONFIRM_LIMIT, confirmation.confirmed()).await;
            match confirmed {
                Ok(Ok(())) => engine.confirmed.note(charge_id),
                Ok(Err(error)) => tracing::warn!(charge_id, %error, "a charge will be repeated"),
                Err(_) => tracing::warn!(charge_id, "a charge takes long, and will be repeated"),
            }
        };
        tokio::join!(report, confirm);
    }
}

impl Turn {
    pub(super) async fn settle(&mut self, spoken: &mut Spoken) -> Rest {
        let began = std::time::Instant::now();
        let outcome = match &spoken.reply {
            Ok(_) => Outcome::Success,
            Err(failed) if failed.failure.kind.counts_for_breaker() => Outcome::Failure,
            Err(_) => Outcome::Neither,
        };
        let report = spoken.permit.take().map(|permit| (permit, outcome));
        let mut rest = Rest { report, confirmation: None };
        if let Some(owed) = self.owed_for(spoken) {
            let (charged, confirmation) = match spoken.reply {
                // What could not be reserved cannot be settled now either.
                _ if owed.order.unreserved.is_some() => (None, None),
                Ok(_) => self.assess(&owed).await,
                Err(_) => (self.carry(&owed).await, None),
            };
            self.sum(spoken, &owed.order, &charged.clone().unwrap_or_default());
            if let Some(confirmation) = confirmation {
                rest.confirmation = Some((owed.charge_id.clone(), confirmation));
                let due_ms = owed.due_ms.saturating_add(CONFIRM_LEAVE_MS);
                self.progress.owed.push(Settlement { due_ms, ..owed });
            } else if charged.is_none() {
                self.progress.owed.push(owed);
            }
        }
        self.record.time("settle", began);
        rest
    }

    /// Begins to charge an answer: what was decided, and what waits for its commit.
    async fn assess(&self, owed: &Settlement) -> (Option<Charged>, Option<Confirmation>) {
        let span = tracing::info_span!("budget.settle", charge_id = owed.charge_id);
        match begin(&self.engine.peers, owed).instrument(span).await {
            Ok((charged, confirmation)) => (Some(charged), Some(confirmation)),
            // What is refused is carried out in another way.
            Err(error) if matches!(error.code(), Code::InvalidArgument | Code::NotFound) => {
                (self.carry(owed).await, None)
            }
            Err(error) => {
                tracing::warn!(charge_id = owed.charge_id, %error, "a charge will be repeated");
                (None, None)
            }
        }
    }

    /// Carries out what is owed, or keeps it to be repeated.
    pub(super) async fn charge(&mut self, owed: Settlement) {
        if self.carry(&owed).await.is_none() {
            self.progress.owed.push(owed);
        }
    }

    async fn carry(&self, owed: &Settlement) -> Option<Charged> {
        let span = tracing::info_span!("budget.settle", charge_id = owed.charge_id);
        let carried = carry_out(&self.engine.peers, owed).instrument(span).await;
        let carried = carried.inspect_err(|error| {
            tracing::warn!(charge_id = owed.charge_id, %error, "a charge will be repeated");
        });
        carried.ok()
    }

    /// A charge of this turn, with nothing said yet of what is to be done about it.
    pub(super) fn owe(&self, charge_id: &str, agent_id: &str) -> Settlement {
        Settlement {
            charge_id: charge_id.to_owned(),
            turn_id: self.tenure.lease.turn_id.clone(),
            order: Order {
                tenant: self.ask.owner.tenant.clone(),
                user_id: self.ask.owner.user_id.clone(),
                request_id: self.ask.context.request_id.clone(),
                agent_id: agent_id.to_owned(),
                ..Order::default()
            },
            due_ms: chassis::clock::now_ms(),
            tries: 0,
        }
    }

    /// What is to be done about the money of a call.
    fn owed_for(&self, spoken: &Spoken) -> Option<Settlement> {
        let reservation = &spoken.charge;
        let mut owed = self.owe(&reservation.charge_id, &spoken.agent_id);
        let order = &mut owed.order;
        order.per_call_micros = spoken.per_call_micros;
        let usage = match &spoken.reply {
            Ok(reply) => reply.usage.as_ref(),
            Err(failed) => match &failed.failure.settlement {
                Verdict::Release => {
                    order.release = true;
                    None
                }
                Verdict::Charge(usage) => usage.as_ref(),
            },
        };
        order.usage = usage.map(|usage| used(usage, spoken));
        order.estimated = order.usage.is_none();
        let is_unknown = spoken.reply.is_err() && order.usage.is_none() && !order.release;
        if is_unknown && !self.engine.config.budget.charge_on_unknown {
            order.actual_micros = Some(0);
        }
        if reservation.decision.is_some() {
            return Some(owed);
        }
        if order.release {
            return None;
        }
        let scopes = reservation.scopes.iter();
        order.unreserved =
            Some(scopes.map(|scope| (scope.r#type.clone(), scope.key.clone())).collect());
        if order.usage.is_none() && order.actual_micros.is_none() {
            order.usage = Some(guessed(spoken));
        }
        Some(owed)
    }

    /// Adds a call to what the turn has used, and notes where the budgets stand now.
    fn sum(&mut self, spoken: &Spoken, order: &Order, charged: &Charged) {
        let decision = spoken.charge.decision.as_ref();
        if !order.release {
            let said = order.usage.clone().unwrap_or_default();
            let reserved = decision.map_or(0, |decision| decision.reserved_micros);
            let usage = &mut self.progress.usage;
            usage.model = Some(said.model)
                .filter(|model| !model.is_empty())
                .or_else(|| Some(spoken.model.clone()).filter(|model| !model.is_empty()));
            usage.input_tokens = usage.input_tokens.saturating_add(said.input_tokens);
            usage.output_tokens = usage.output_tokens.saturating_add(said.output_tokens);
            let cost = charged.actual_micros.or(said.cost_micros).unwrap_or(reserved);
            usage.cost_micros = usage.cost_micros.saturating_add(cost);
            usage.estimated |= order.estimated || charged.estimated;
        }
        let Some(decision) = decision else { return };
        let scopes = if charged.scopes.is_empty() { &decision.scopes } else { &charged.scopes };
        self.progress.headers = headers(scopes, decision);
        if let Some(headers) = &self.progress.headers {
            self.progress.budget.remaining_micros = Some(headers.remaining_micros);
        }
    }
}

fn used(usage: &ReplyUsage, spoken: &Spoken) -> Used {
    Used {
        model: usage.model.clone().unwrap_or_else(|| spoken.model.clone()),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_micros: usage.cost_micros,
    }
}

/// What a call of which nothing is known is taken to have used.
fn guessed(spoken: &Spoken) -> Used {
    let words = spoken.reply.as_ref().map_or("", |reply| &reply.content);
    Used {
        model: spoken.model.clone(),
        input_tokens: spoken.charge.input_tokens,
        output_tokens: tokens::estimate(words),
        cost_micros: None,
    }
}

/// What the budget headers say.
pub(super) fn headers(scopes: &[ScopeState], decision: &Decision) -> Option<Headers> {
    let tightest = scopes.iter().min_by_key(|scope| scope.remaining_micros)?;
    let scope = tightest.scope.clone().unwrap_or_default();
    let is_degraded = decision.action == "degrade";
    Some(Headers {
        scope_type: scope.r#type,
        scope_key: scope.key,
        limit_micros: tightest.limit_micros,
        spent_micros: tightest.spent_micros,
        remaining_micros: tightest.remaining_micros,
        status: tightest.state.clone(),
        suggested_model: if is_degraded { decision.model.clone() } else { String::new() },
        tools_disabled: decision.disabled_tools.clone(),
        warning: decision.warning.clone(),
    })
}
