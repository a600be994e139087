//! What a sequence of calls would be answered, played by the rules on a sheet that nobody writes down.

use std::sync::Arc;

use crate::account::{Account, Charge, Owner, State};
use crate::event::Event;
use crate::fold::{self, Sheet};
use crate::operation::{Answer, Operation, Refusal};
use crate::policy::Definition;
use crate::rules::Rules;

/// A call, and how much time passes before it.
#[derive(Clone, Debug)]
pub struct Step {
    /// How long nothing happens.
    pub after_ms: i64,
    /// What then does.
    pub operation: Operation,
}

/// What a step came to.
#[derive(Debug)]
pub struct Outcome {
    /// The answer to it.
    pub answer: Result<Answer, Refusal>,
    /// What would be told of it.
    pub events: Vec<Event>,
}

/// Plays calls one after the other.
#[derive(Debug)]
pub struct Simulation<'a> {
    sheet: Sheet,
    rules: &'a Rules,
    now_ms: i64,
}

impl<'a> Simulation<'a> {
    /// Begins with what a sheet holds.
    #[must_use]
    pub fn new(sheet: Sheet, rules: &'a Rules, now_ms: i64) -> Self {
        Self { sheet, rules, now_ms }
    }

    /// Puts a definition in place of the one of the same scope.
    pub fn define(&mut self, tenant: &str, definition: Definition) {
        let owner = Owner { tenant: tenant.to_owned(), scope: definition.scope.clone() };
        self.sheet.definitions.insert(owner, Arc::new(definition));
    }

    /// Forgets what was spent and what is held.
    pub fn empty(&mut self) {
        self.sheet.reservations.clear();
        self.sheet.accounts.values_mut().for_each(|account| *account = Account::default());
    }

    /// Plays one step. What is overdue by then expires before it.
    pub fn play(&mut self, step: &Step) -> Outcome {
        self.now_ms = self.now_ms.saturating_add(step.after_ms);
        for charge in self.overdue() {
            // An expiry is never refused: at most it comes too late.
            let _ =
                fold::apply(&mut self.sheet, &Operation::Expire(charge), self.rules, self.now_ms);
        }
        let answer = fold::apply(&mut self.sheet, &step.operation, self.rules, self.now_ms);
        Outcome { answer, events: std::mem::take(&mut self.sheet.changes.events) }
    }

    fn overdue(&self) -> Vec<Charge> {
        let open = self.sheet.reservations.iter().filter(|(_, held)| held.state == State::Open);
        let overdue = open.filter(|(_, held)| held.expires_ms <= self.now_ms);
        overdue.map(|(charge, _)| charge.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
