//! What a sheet does not know yet, and operations need.

use std::collections::BTreeSet;

use super::{Changes, Sheet};
use crate::account::{Charge, Owner, State};
use crate::operation::{Operation, Put};
use crate::period;

/// What is to be read before operations can be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Whose definitions.
    pub tenants: BTreeSet<String>,
    /// Which charges.
    pub charges: BTreeSet<Charge>,
    /// The resets of which scopes.
    pub scopes: BTreeSet<Owner>,
    /// Which accounts.
    pub accounts: BTreeSet<(Owner, String)>,
}

impl Need {
    /// Whether everything is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { tenants, charges, scopes, accounts } = self;
        tenants.is_empty() && charges.is_empty() && scopes.is_empty() && accounts.is_empty()
    }
}

impl Sheet {
    /// What is missing for these operations. Of charges, only those that `asks` for are looked up: a new one is not
    /// there anyway.
    #[must_use]
    pub fn need(
        &self,
        operations: &[Operation],
        now_ms: i64,
        asks: impl Fn(&Operation) -> bool,
    ) -> Need {
        let mut need = Need::default();
        for operation in operations {
            let tenant = operation.tenant();
            let is_defined = self.tenants.contains(tenant);
            if !is_defined {
                need.tenants.insert(tenant.to_owned());
            }
            let owner = |scope| Owner { tenant: tenant.to_owned(), scope };
            for scope in operation.scopes() {
                self.need_present(owner(scope.clone()), is_defined, now_ms, &mut need);
            }
            if let Operation::Put(put) = operation {
                self.need_after(put, now_ms, &mut need);
            }
            let Some(charge) = operation.charge() else { continue };
            match self.reservations.get(charge) {
                None if asks(operation) => {
                    need.charges.insert(charge.clone());
                }
                None => {}
                Some(held) => {
                    for (scope, period_id) in &held.scopes {
                        let owner = owner(scope.clone());
                        self.need_account((owner.clone(), period_id.clone()), &mut need);
                        self.need_present(owner, is_defined, now_ms, &mut need);
                    }
                }
            }
        }
        need
    }

    fn need_present(&self, owner: Owner, is_defined: bool, now_ms: i64, need: &mut Need) {
        if is_defined {
            // A scope that was never reset is the rule: its account can be read along.
            let period = self.period(&owner, now_ms);
            self.need_account((owner.clone(), period.id), need);
        }
        if !self.resets.contains_key(&owner) {
            need.scopes.insert(owner);
        }
    }

    /// The account that a scope will have under a definition.
    fn need_after(&self, put: &Put, now_ms: i64, need: &mut Need) {
        let resets = self.resets.get(&put.owner).copied().unwrap_or_default();
        let period = period::at(&put.definition.period, now_ms, resets);
        self.need_account((put.owner.clone(), period.id), need);
    }

    fn need_account(&self, key: (Owner, String), need: &mut Need) {
        if !self.accounts.contains_key(&key) {
            need.accounts.insert(key);
        }
    }

    /// Takes note that what was looked for and not found is not there.
    pub fn assume_absent(&mut self, need: Need) {
        self.tenants.extend(need.tenants);
        for owner in need.scopes {
            self.resets.entry(owner).or_default();
        }
        for key in need.accounts {
            self.accounts.entry(key).or_default();
        }
    }

    /// Forgets everything but definitions.
    pub fn forget_money(&mut self) {
        let (tenants, definitions) =
            (std::mem::take(&mut self.tenants), std::mem::take(&mut self.definitions));
        *self = Self { tenants, definitions, ..Self::default() };
    }

    /// Takes what was changed as written: forgets the charges that have ended, and all money once that is more than so
    /// many accounts or charges.
    pub fn written(&mut self, max: usize) {
        let Changes { made, ended, .. } = std::mem::take(&mut self.changes);
        for charge in made.union(&ended) {
            if self.reservations.get(charge).is_some_and(|held| held.state != State::Open) {
                self.reservations.remove(charge);
            }
        }
        if max < self.accounts.len().max(self.reservations.len()) {
            self.forget_money();
        }
    }
}

#[cfg(test)]
mod tests;
