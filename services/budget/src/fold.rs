//! The fold of a batch: operations change accounts and reservations one by one, in the order in which they came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::account::{Account, Charge, Entry, Owner, Reservation, State};
use crate::event::{Event, Mark};
use crate::ledger::{self, Ask, Book, Quote};
use crate::operation::{Answer, Operation, Refusal, Reserve, Verdict};
use crate::period;
use crate::policy::{Definition, Scope};
use crate::rules::Rules;

mod define;
mod need;
mod settle;

pub use need::Need;

/// What batches work on, and what the present one has changed.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Whose definitions are here, all of them.
    pub tenants: BTreeSet<String>,
    /// The definitions, by tenant and scope.
    pub definitions: BTreeMap<Owner, Arc<Definition>>,
    /// How often each scope was reset.
    pub resets: BTreeMap<Owner, i64>,
    /// The accounts by scope and period.
    pub accounts: BTreeMap<(Owner, String), Account>,
    /// The known charges.
    pub reservations: BTreeMap<Charge, Reservation>,
    /// What is not yet written.
    pub changes: Changes,
}

/// What a batch has changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Charges that were made.
    pub made: BTreeSet<Charge>,
    /// Charges that were there and have ended.
    pub ended: BTreeSet<Charge>,
    /// Accounts that were changed.
    pub moved: BTreeSet<(Owner, String)>,
    /// New rows of the ledger.
    pub entries: Vec<Entry>,
    /// What there is to tell.
    pub events: Vec<Event>,
    /// Scopes that were reset.
    pub resets: BTreeSet<Owner>,
    /// Definitions that were stored, or removed.
    pub definitions: BTreeMap<Owner, Option<Arc<Definition>>>,
}

impl Changes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { made, ended, moved, entries, events, resets, definitions } = self;
        (made.is_empty() && ended.is_empty() && moved.is_empty() && entries.is_empty())
            && (events.is_empty() && resets.is_empty() && definitions.is_empty())
    }
}

/// Applies one operation.
pub fn apply(
    sheet: &mut Sheet,
    operation: &Operation,
    rules: &Rules,
    now_ms: i64,
) -> Result<Answer, Refusal> {
    match operation {
        Operation::Reserve(ask) => Ok(Answer::Verdict(sheet.reserve(ask, rules, now_ms))),
        Operation::Settle(settle) => sheet.settle(settle, rules, now_ms),
        Operation::Release(charge) => Ok(sheet.release(charge, State::Released, now_ms)),
        Operation::Expire(charge) => {
            let is_due =
                sheet.reservations.get(charge).is_some_and(|held| held.expires_ms <= now_ms);
            let state = if is_due { State::Expired } else { State::Open };
            Ok(sheet.release(charge, state, now_ms))
        }
        Operation::Put(put) => sheet.put(put, now_ms),
        Operation::Delete(owner) => sheet.delete(owner),
        Operation::Reset(owner) => sheet.reset(owner, now_ms),
        Operation::Look(owner) => Ok(Answer::Book(sheet.book(owner, now_ms))),
        Operation::List(tenant) => Ok(Answer::Definitions(sheet.list(tenant))),
    }
}

impl Sheet {
    /// The definition that a scope is under: its own, else that of its type.
    #[must_use]
    pub fn definition(&self, owner: &Owner) -> Option<&Arc<Definition>> {
        let of_kind = || {
            let scope = Scope { kind: owner.scope.kind.clone(), key: "*".to_owned() };
            self.definitions.get(&Owner { tenant: owner.tenant.clone(), scope })
        };
        self.definitions.get(owner).or_else(of_kind)
    }

    /// The definitions of a tenant, in the order of their scopes.
    #[must_use]
    pub fn list(&self, tenant: &str) -> Vec<Arc<Definition>> {
        let own = self.definitions.iter().filter(|(owner, _)| owner.tenant == tenant);
        own.map(|(_, definition)| definition.clone()).collect()
    }

    /// The present period of a scope.
    #[must_use]
    pub fn period(&self, owner: &Owner, now_ms: i64) -> period::Period {
        let kind = self.definition(owner).map_or("none", |definition| definition.period.as_str());
        period::at(kind, now_ms, self.resets.get(owner).copied().unwrap_or_default())
    }

    /// The book of a scope in its present period.
    #[must_use]
    pub fn book(&self, owner: &Owner, now_ms: i64) -> Book {
        let period = self.period(owner, now_ms);
        self.book_of(owner, period)
    }

    fn book_of(&self, owner: &Owner, period: period::Period) -> Book {
        let account = self.accounts.get(&(owner.clone(), period.id.clone()));
        Book {
            scope: owner.scope.clone(),
            definition: self.definition(owner).cloned(),
            period_id: period.id,
            end_ms: period.end_ms,
            spent_micros: account.map_or(0, |account| account.spent_micros),
            reserved_micros: account.map_or(0, |account| account.reserved_micros),
        }
    }

    fn account(&mut self, owner: Owner, period_id: String) -> &mut Account {
        let key = (owner, period_id);
        self.changes.moved.insert(key.clone());
        self.accounts.entry(key).or_default()
    }

    /// What the rules would say, without effect.
    #[must_use]
    pub fn check(&self, ask: &Reserve, rules: &Rules, now_ms: i64) -> Verdict {
        let books: Vec<Book> =
            ask.scopes.iter().map(|scope| self.book(&ask.owner(scope), now_ms)).collect();
        let estimate = rules.estimate(ask, &ask.model, now_ms);
        let wanted =
            Ask { model: ask.model.clone(), tools: ask.tools.clone(), estimate_micros: estimate };
        let quote = |model: &str| -> Option<Quote> { rules.quote(ask, model, now_ms) };
        Verdict::new(ledger::decide(&wanted, &books, quote), &books)
    }

    fn reserve(&mut self, ask: &Reserve, rules: &Rules, now_ms: i64) -> Verdict {
        // A charge that was settled without a hold has no first answer, and must not be opened again.
        if let Some(held) = self.reservations.get(&ask.charge) {
            return held.verdict.clone().unwrap_or_else(|| self.check(ask, rules, now_ms));
        }
        let verdict = self.check(ask, rules, now_ms);
        self.tell_of(ask, &verdict, rules, now_ms);
        if !verdict.ruling.is_allowed() {
            return verdict;
        }
        let mut scopes = Vec::new();
        for state in &verdict.scopes {
            let owner = ask.owner(&state.scope);
            self.account(owner, state.period_id.clone()).reserved_micros +=
                verdict.ruling.reserved_micros;
            scopes.push((state.scope.clone(), state.period_id.clone()));
        }
        let reservation = Reservation {
            state: State::Open,
            amount_micros: verdict.ruling.reserved_micros,
            actual_micros: 0,
            estimated: false,
            expires_ms: now_ms + ask.ttl_ms,
            scopes,
            user_id: ask.user_id.clone(),
            agent_id: ask.agent_id.clone(),
            model: verdict.ruling.model.clone(),
            per_call_micros: ask.per_call_micros.unwrap_or_default(),
            verdict: Some(verdict.clone()),
        };
        self.changes.made.insert(ask.charge.clone());
        self.reservations.insert(ask.charge.clone(), reservation);
        verdict
    }

    /// Frees a hold, unless the charge is past that. To the state `Open` it changes nothing.
    fn release(&mut self, charge: &Charge, to: State, now_ms: i64) -> Answer {
        let Some(held) = self.reservations.get(charge).cloned() else {
            return Answer::Released { state: State::Released, books: Vec::new() };
        };
        if held.state == State::Open && to != State::Open {
            self.free(charge, &held);
            self.end(charge);
            let kept = self.reservations.get_mut(charge).expect("it was there a line ago");
            kept.state = to;
        }
        let state = self.reservations[charge].state;
        Answer::Released { state, books: self.books_of(charge, &held, now_ms) }
    }

    fn free(&mut self, charge: &Charge, held: &Reservation) {
        for (scope, period_id) in &held.scopes {
            let owner = Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
            self.account(owner, period_id.clone()).reserved_micros -= held.amount_micros;
        }
    }

    /// Notes that a charge has ended, unless it is written for the first time anyway.
    fn end(&mut self, charge: &Charge) {
        if !self.changes.made.contains(charge) {
            self.changes.ended.insert(charge.clone());
        }
    }

    /// The present books of a charge's scopes.
    fn books_of(&self, charge: &Charge, held: &Reservation, now_ms: i64) -> Vec<Book> {
        let owner = |scope: &Scope| Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
        held.scopes.iter().map(|(scope, _)| self.book(&owner(scope), now_ms)).collect()
    }

    fn tell(&mut self, owner: &Owner, period_id: &str, mark: Mark, now_ms: i64) {
        let key = (owner.clone(), period_id.to_owned());
        if self.accounts.get(&key).is_some_and(|account| account.told.contains(&mark)) {
            return;
        }
        let account = self.account(key.0, key.1);
        account.told.insert(mark.clone());
        let money = (account.spent_micros, self.definition(owner).map(|found| found.limit_micros));
        self.changes.events.push(Event::new(owner, period_id, mark, money, now_ms));
    }

    /// Tells what an account has come to, by what was spent or by a limit that has changed.
    fn observe(&mut self, owner: &Owner, period_id: &str, now_ms: i64) {
        let key = (owner.clone(), period_id.to_owned());
        let Some(definition) = self.definition(owner).cloned() else { return };
        let Some(account) = self.accounts.get(&key) else { return };
        let spent = account.spent_micros;
        let to = definition.state(spent);
        let from = match account.state.as_str() {
            "" => definition.state(0).to_owned(),
            state => state.to_owned(),
        };
        if from != to {
            to.clone_into(&mut self.account(key.0, key.1).state);
            self.tell(owner, period_id, Mark::State(from, to.to_owned()), now_ms);
        }
        let policy = &definition.policy;
        for part in policy.notify_at.iter().chain([&policy.soft_cap, &policy.hard_cap]) {
            if 0 < spent && definition.reaches(spent, *part) {
                self.tell(owner, period_id, Mark::Threshold(*part), now_ms);
            }
        }
        if to == "stopped" {
            self.tell(owner, period_id, Mark::HardStop, now_ms);
        }
    }

    fn tell_of(&mut self, ask: &Reserve, verdict: &Verdict, rules: &Rules, now_ms: i64) {
        let ruling = &verdict.ruling;
        let is_unknown =
            !ask.model.is_empty() && rules.prices.find(&ask.model, "", now_ms).is_none();
        for (state, denies) in verdict.scopes.iter().zip(&ruling.denies) {
            if state.limit.is_none() {
                continue;
            }
            let owner = ask.owner(&state.scope);
            self.observe(&owner, &state.period_id, now_ms);
            let mut tell = |mark| self.tell(&owner, &state.period_id, mark, now_ms);
            if is_unknown {
                tell(Mark::UnknownModel(ask.model.clone()));
            }
            if *denies {
                tell(Mark::HardStop);
            }
            if ruling.action == "degrade" {
                tell(Mark::Downgrade(ask.model.clone(), ruling.model.clone()));
            }
            if ruling.is_allowed() && !ruling.disabled_tools.is_empty() {
                tell(Mark::Tools(ruling.disabled_tools.clone()));
            }
        }
    }
}
