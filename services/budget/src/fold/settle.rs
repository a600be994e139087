//! What a call cost, written down once.

use super::Sheet;
use crate::account::{Charge, Entry, Owner, Reservation, State};
use crate::event::Mark;
use crate::operation::{Answer, Refusal, Settle};
use crate::rules::Rules;

impl Sheet {
    pub(super) fn settle(
        &mut self,
        settle: &Settle,
        rules: &Rules,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        let charge = &settle.charge;
        let held = match self.reservations.get(charge) {
            Some(held) => held.clone(),
            None if settle.unreserved => self.unreserved(settle, now_ms),
            None => return Err(Refusal::Unknown(charge.id.clone())),
        };
        if matches!(held.state, State::Settled | State::Released)
            && self.reservations.contains_key(charge)
        {
            return Ok(self.settled(charge, (&held, false), now_ms));
        }
        let actual = rules.actual(settle, &held, now_ms)?;
        if held.state == State::Open {
            self.free(charge, &held);
        }
        let model = settle
            .usage
            .as_ref()
            .map(|usage| usage.model.clone())
            .filter(|model| !model.is_empty());
        let model = model.unwrap_or_else(|| held.model.clone());
        let provider = settle.usage.as_ref().map_or("", |usage| usage.provider.as_str());
        let is_unknown = settle.usage.is_some()
            && !model.is_empty()
            && rules.prices.find(&model, provider, now_ms).is_none();
        for (scope, period_id) in &held.scopes {
            let owner = Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
            self.charge(&owner, period_id, actual, now_ms);
            if is_unknown && self.definition(&owner).is_some() {
                self.tell(&owner, period_id, Mark::UnknownModel(model.clone()), now_ms);
            }
            let tokens = settle.usage.clone().unwrap_or_default().tokens;
            self.changes.entries.push(Entry {
                charge: charge.clone(),
                scope: scope.clone(),
                period_id: period_id.clone(),
                amount_micros: actual,
                estimated: settle.estimated,
                model: model.clone(),
                input_tokens: tokens.input,
                output_tokens: tokens.output,
                user_id: held.user_id.clone(),
                agent_id: held.agent_id.clone(),
                timestamp_ms: now_ms,
            });
        }
        let done = Reservation {
            state: State::Settled,
            actual_micros: actual,
            estimated: settle.estimated,
            ..held
        };
        if self.reservations.insert(charge.clone(), done.clone()).is_some() {
            self.end(charge);
        } else {
            self.changes.made.insert(charge.clone());
        }
        Ok(self.settled(charge, (&done, true), now_ms))
    }

    fn settled(
        &self,
        charge: &Charge,
        (held, is_new): (&Reservation, bool),
        now_ms: i64,
    ) -> Answer {
        Answer::Settled {
            state: held.state,
            actual_micros: held.actual_micros,
            estimated: held.estimated,
            is_new,
            books: self.books_of(charge, held, now_ms),
        }
    }

    /// A charge that was never held: it falls into the present periods.
    fn unreserved(&self, settle: &Settle, now_ms: i64) -> Reservation {
        let owner = |scope| Owner { tenant: settle.charge.tenant.clone(), scope };
        let period = |scope: &crate::policy::Scope| self.period(&owner(scope.clone()), now_ms).id;
        Reservation {
            state: State::Expired,
            amount_micros: 0,
            actual_micros: 0,
            estimated: settle.estimated,
            expires_ms: now_ms,
            scopes: settle.scopes.iter().map(|scope| (scope.clone(), period(scope))).collect(),
            user_id: settle.user_id.clone(),
            agent_id: settle.agent_id.clone(),
            model: String::new(),
            per_call_micros: settle.per_call_micros.unwrap_or_default(),
            verdict: None,
        }
    }

    /// Adds to what an account has spent and tells what that crosses.
    fn charge(&mut self, owner: &Owner, period_id: &str, actual: i64, now_ms: i64) {
        self.account(owner.clone(), period_id.to_owned()).spent_micros += actual;
        self.observe(owner, period_id, now_ms);
    }
}
