//! What happens when a call is not admitted: everything that was granted for it is given back.

use proto::v1::Decision;

use super::{Seat, Turn};
use crate::breaker::Outcome;
use crate::breaker_store::{Permit, Refusal};
use crate::error::{Denial, Error};
use crate::record::scope_name;

/// A call that was not admitted.
pub(super) struct Refused<'a> {
    pub seat: &'a Seat,
    /// The charge that may hold money for it.
    pub charge_id: String,
    /// Whether it has a place at the agent.
    pub slot: bool,
}

impl Turn {
    /// Gives back what was granted when something else was refused; the refusal that counts.
    pub(super) async fn give_back(
        &mut self,
        refused: Refused<'_>,
        decision: Result<Option<Decision>, Error>,
        permit: Result<Permit, Refusal>,
    ) -> Error {
        let agent_id = refused.seat.agent_id.clone();
        if let Ok(Some(_)) = &decision {
            let mut owed = self.owe(&refused.charge_id, &agent_id);
            owed.order.release = true;
            self.charge(owed).await;
        }
        if refused.slot && refused.seat.pass.is_none() {
            self.leave(&agent_id).await;
        }
        let circuit = match permit {
            Ok(permit) => {
                self.engine.breakers.report(permit, Outcome::Neither).await;
                None
            }
            Err(refusal) => {
                if let Some(noted) = self.record.dispatches.last_mut() {
                    "refused".clone_into(&mut noted.breaker);
                }
                Some((refusal.retry_after_ms + 999) / 1_000)
            }
        };
        let error = match (decision, circuit) {
            (Err(error), _) => error,
            (Ok(_), Some(retry_after_s)) => {
                Error::CircuitOpen { agent_id, retry_after_s: retry_after_s.max(1) }
            }
            (Ok(_), None) => Error::AgentBusy(agent_id),
        };
        if let Some(noted) = self.record.dispatches.last_mut() {
            noted.outcome = error.to_string();
        }
        error
    }

    /// Gives up the place at an agent that is not the session's own.
    pub(super) async fn leave(&self, agent_id: &str) {
        if self.tenure.lease.is_anonymous || self.session.active_agent != agent_id {
            self.engine.peers.release_slot(agent_id, self.holder()).await;
        }
    }
}

/// What a denial says, of the scope that is to blame.
pub(super) fn denied(decision: &Decision) -> Error {
    let denying = decision.scopes.iter().filter(|scope| scope.denies);
    let tightest = denying.min_by_key(|scope| scope.remaining_micros);
    let tightest = tightest.or_else(|| decision.scopes.iter().min_by_key(|s| s.remaining_micros));
    let denial = Denial {
        reason: decision.reason.clone(),
        estimate_micros: decision.estimate_micros,
        ..Denial::default()
    };
    let Some(scope) = tightest else {
        return Error::BudgetDenied(Box::new(denial));
    };
    Error::BudgetDenied(Box::new(Denial {
        scope: scope_name(scope),
        limit_micros: scope.limit_micros,
        spent_micros: scope.spent_micros,
        reserved_micros: scope.reserved_micros,
        remaining_micros: scope.remaining_micros,
        reset_at_ms: scope.reset_at_ms.or(decision.reset_at_ms),
        ..denial
    }))
}
