//! The fold of a batch: operations change accounts and reservations one by one, in the order in which they came.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Account, Charge, Entry, Owner, Reservation, State};
use crate::event::{Event, Mark};
use crate::ledger::{self, Ask, Book, Quote};
use crate::operation::{Answer, Operation, Refusal, Reserve, Verdict};
use crate::period;
use crate::policy::{Definition, Scope};
use crate::rules::Rules;

mod settle;

/// What a batch works on, and what it has changed.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The definitions of the scopes' types, by tenant.
    pub definitions: BTreeMap<Owner, Definition>,
    /// How often each scope was reset.
    pub resets: BTreeMap<Owner, i64>,
    /// The accounts by scope and period.
    pub accounts: BTreeMap<(Owner, String), Account>,
    /// The known charges.
    pub reservations: BTreeMap<Charge, Reservation>,
    /// Charges that were changed or made.
    pub touched: BTreeSet<Charge>,
    /// Accounts that were changed.
    pub moved: BTreeSet<(Owner, String)>,
    /// New rows of the ledger.
    pub entries: Vec<Entry>,
    /// What there is to tell.
    pub events: Vec<Event>,
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
    }
}

impl Sheet {
    /// The definition that a scope is under: its own, else that of its type.
    #[must_use]
    pub fn definition(&self, owner: &Owner) -> Option<&Definition> {
        let of_kind = || {
            let scope = Scope { key: "*".to_owned(), ..owner.scope.clone() };
            self.definitions.get(&Owner { scope, ..owner.clone() })
        };
        self.definitions.get(owner).or_else(of_kind)
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
        self.moved.insert(key.clone());
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
        self.touched.insert(ask.charge.clone());
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
            self.touched.insert(charge.clone());
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

    /// The present books of a charge's scopes.
    fn books_of(&self, charge: &Charge, held: &Reservation, now_ms: i64) -> Vec<Book> {
        let owner = |scope: &Scope| Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
        held.scopes.iter().map(|(scope, _)| self.book(&owner(scope), now_ms)).collect()
    }

    fn tell(&mut self, owner: &Owner, period_id: &str, mark: Mark, now_ms: i64) {
        let account = self.account(owner.clone(), period_id.to_owned());
        if account.told.insert(mark.clone()) {
            let (spent_micros, limit) =
                (account.spent_micros, self.definition(owner).map(|d| d.limit_micros));
            self.events.push(Event::new(owner, period_id, mark, (spent_micros, limit), now_ms));
        }
    }

    fn tell_of(&mut self, ask: &Reserve, verdict: &Verdict, rules: &Rules, now_ms: i64) {
        let ruling = &verdict.ruling;
        let is_unknown =
            !ask.model.is_empty() && rules.prices.find(&ask.model, "", now_ms).is_none();
        for (state, denies) in verdict.scopes.iter().zip(&ruling.denies) {
            if state.definition.is_none() {
                continue;
            }
            let owner = ask.owner(&state.scope);
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
