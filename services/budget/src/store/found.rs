//! What was read, on its way into a sheet.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::{charge_of, owner_of};
use crate::Error;
use crate::account::{Account, Owner, Reservation, State};
use crate::event::Mark;
use crate::fold::Sheet;
use crate::policy::{Definition, Policy, Scope};

/// What a row of charges begins with, and one of resets; accounts have the next number.
const CHARGE: i64 = 0;
const RESETS: i64 = 1;

/// A row of a charge, of the resets of a scope, or of an account: what the three have in common is that they are read
/// with one statement.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Found {
    kind: i64,
    name: String,
    period_id: String,
    state: String,
    text: String,
    first: i64,
    second: i64,
    third: i64,
}

impl Found {
    /// Enters it into a sheet. A name that nobody can have written is left out.
    pub(super) fn enter(self, sheet: &mut Sheet) -> Result<(), Error> {
        match self.kind {
            CHARGE => self.enter_charge(sheet),
            RESETS => {
                sheet.resets.extend(owner_of(&self.name).map(|owner| (owner, self.first)));
                Ok(())
            }
            _ => self.enter_account(sheet),
        }
    }

    fn enter_charge(self, sheet: &mut Sheet) -> Result<(), Error> {
        let (Some(charge), Some(state)) = (charge_of(&self.name), State::of(&self.state)) else {
            return Ok(());
        };
        let body: Reservation = serde_json::from_str(&self.text)?;
        let held = Reservation {
            state,
            expires_ms: self.first,
            actual_micros: self.second,
            estimated: self.third != 0,
            ..body
        };
        sheet.reservations.insert(charge, held);
        Ok(())
    }

    fn enter_account(self, sheet: &mut Sheet) -> Result<(), Error> {
        let account = Account {
            spent_micros: self.first,
            reserved_micros: self.second,
            state: self.state,
            told: serde_json::from_str::<BTreeSet<Mark>>(&self.text)?,
        };
        let owner = owner_of(&self.name);
        sheet.accounts.extend(owner.map(|owner| ((owner, self.period_id), account)));
        Ok(())
    }
}

/// A row of budget_definitions.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct FoundDefinition {
    tenant: String,
    scope_type: String,
    scope_key: String,
    limit_micros: i64,
    period: String,
    policy: String,
    version: i64,
}

impl FoundDefinition {
    /// Enters it into a sheet.
    pub(super) fn enter(self, sheet: &mut Sheet) -> Result<(), Error> {
        let scope = Scope { kind: self.scope_type, key: self.scope_key };
        let definition = Definition {
            scope: scope.clone(),
            limit_micros: self.limit_micros,
            period: self.period,
            policy: serde_json::from_str::<Policy>(&self.policy)?,
            version: self.version,
        };
        sheet.definitions.insert(Owner { tenant: self.tenant, scope }, Arc::new(definition));
        Ok(())
    }
}
