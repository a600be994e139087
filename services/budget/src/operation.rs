//! What the budget is asked to do with money, and what it answers.

use serde::{Deserialize, Serialize};

use crate::account::{Charge, Owner, State};
use crate::ledger::{Book, Ruling};
use crate::policy::Scope;
use crate::pricing::Tokens;

/// A change of money.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Hold an amount in every scope, or in none.
    Reserve(Reserve),
    /// Charge what a call cost.
    Settle(Settle),
    /// Give a hold back.
    Release(Charge),
    /// End a hold that is past its time.
    Expire(Charge),
}

impl Operation {
    /// One that names a scope and changes nothing.
    #[must_use]
    pub fn look(owner: &Owner) -> Self {
        Self::Reserve(Reserve {
            charge: Charge { tenant: owner.tenant.clone(), id: String::new() },
            scopes: vec![owner.scope.clone()],
            model: String::new(),
            input_tokens: 0,
            max_output_tokens: None,
            per_call_micros: None,
            estimate_micros: Some(0),
            tools: Vec::new(),
            ttl_ms: 0,
            user_id: String::new(),
            agent_id: String::new(),
        })
    }

    /// The charge it is about.
    #[must_use]
    pub fn charge(&self) -> &Charge {
        match self {
            Self::Reserve(reserve) => &reserve.charge,
            Self::Settle(settle) => &settle.charge,
            Self::Release(charge) | Self::Expire(charge) => charge,
        }
    }

    /// The scopes that it names itself.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        match self {
            Self::Reserve(reserve) => &reserve.scopes,
            Self::Settle(settle) => &settle.scopes,
            Self::Release(_) | Self::Expire(_) => &[],
        }
    }
}

/// A call that is about to be made.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// Its charge.
    pub charge: Charge,
    /// Whose money.
    pub scopes: Vec<Scope>,
    /// The model it wants; may be empty.
    pub model: String,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out at most.
    pub max_output_tokens: Option<i64>,
    /// What a call costs beside its tokens.
    pub per_call_micros: Option<i64>,
    /// In place of an estimate by tokens.
    pub estimate_micros: Option<i64>,
    /// The tools it wants.
    pub tools: Vec<String>,
    /// How long the hold lasts.
    pub ttl_ms: i64,
    /// Whose call.
    pub user_id: String,
    /// Which agent's.
    pub agent_id: String,
}

impl Reserve {
    /// A scope with its tenant.
    #[must_use]
    pub fn owner(&self, scope: &Scope) -> Owner {
        Owner { tenant: self.charge.tenant.clone(), scope: scope.clone() }
    }
}

/// What a call says it used.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Its model; empty means the one that was held for.
    pub model: String,
    /// Who sold it.
    pub provider: String,
    /// Its tokens.
    pub tokens: Tokens,
    /// Its price, when the agent knows it.
    pub cost_micros: Option<i64>,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Settle {
    /// Its charge.
    pub charge: Charge,
    /// What it cost.
    pub actual_micros: Option<i64>,
    /// What it used.
    pub usage: Option<Usage>,
    /// Whether that is a guess.
    pub estimated: bool,
    /// Whether it was made without a hold.
    pub unreserved: bool,
    /// Whose money, without a hold.
    pub scopes: Vec<Scope>,
    /// What a call costs beside its tokens.
    pub per_call_micros: Option<i64>,
    /// Whose call.
    pub user_id: String,
    /// Which agent's.
    pub agent_id: String,
}

/// A ruling with the books it was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the rules say.
    pub ruling: Ruling,
    /// The books before the call.
    pub scopes: Vec<Book>,
}

impl Verdict {
    pub(crate) fn new(ruling: Ruling, books: &[Book]) -> Self {
        Self { ruling, scopes: books.to_vec() }
    }
}

/// What an operation came to.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of a reserve.
    Verdict(Verdict),
    /// Of a settle: where the charge stands, and the books after it.
    Settled {
        /// Where it stands.
        state: State,
        /// What it cost.
        actual_micros: i64,
        /// Whether that is a guess.
        estimated: bool,
        /// The present books.
        books: Vec<Book>,
    },
    /// Of a release or an expiry.
    Released {
        /// Where the charge stands.
        state: State,
        /// The present books.
        books: Vec<Book>,
    },
}

/// Why an operation changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody has heard of the charge.
    #[error("nothing is reserved for {0}")]
    Unknown(String),
    /// The amount cannot be right.
    #[error("{0} micro-USD is not within 0 to {1}")]
    Amount(i64, i64),
}
