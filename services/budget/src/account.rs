//! What is kept of money: accounts, charges with their reservations, and the ledger.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::Mark;
use crate::operation::Verdict;
use crate::policy::Scope;

/// Which charge: tenant and charge id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Charge {
    /// Whose.
    pub tenant: String,
    /// Which.
    pub id: String,
}

/// A scope of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// Whose.
    pub tenant: String,
    /// Which.
    pub scope: Scope,
}

/// The money of a scope in one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The sum of its ledger.
    pub spent_micros: i64,
    /// The sum of its open reservations.
    pub reserved_micros: i64,
    /// What it was last said to be; empty until it is anything but what it began as.
    pub state: String,
    /// What was told of it.
    pub told: BTreeSet<Mark>,
}

/// Where a charge stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Money is held.
    #[default]
    Open,
    /// What it cost is in the ledger.
    Settled,
    /// Nothing was used.
    Released,
    /// Nobody settled in time; a late settle still counts.
    Expired,
}

impl State {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Open, Self::Settled, Self::Released, Self::Expired];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// A charge and what became of it. What can change is not part of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Where it stands.
    #[serde(skip)]
    pub state: State,
    /// What was held.
    pub amount_micros: i64,
    /// What it cost, once settled.
    #[serde(skip)]
    pub actual_micros: i64,
    /// Whether that is a guess.
    #[serde(skip)]
    pub estimated: bool,
    /// When the hold ends by itself.
    #[serde(skip)]
    pub expires_ms: i64,
    /// The scopes that were checked are the scopes that are charged, in these periods.
    pub scopes: Vec<(Scope, String)>,
    /// Whose call.
    pub user_id: String,
    /// Which agent's.
    pub agent_id: String,
    /// Held for this model.
    pub model: String,
    /// The part of each call that does not depend on tokens.
    pub per_call_micros: i64,
    /// The first answer, for repeats.
    pub verdict: Option<Verdict>,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// For which charge.
    pub charge: Charge,
    /// Whose money.
    pub scope: Scope,
    /// In which period.
    pub period_id: String,
    /// How much.
    pub amount_micros: i64,
    /// Whether that is a guess.
    pub estimated: bool,
    /// With which model.
    pub model: String,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// Whose call.
    pub user_id: String,
    /// Which agent's.
    pub agent_id: String,
    /// When.
    pub timestamp_ms: i64,
}
