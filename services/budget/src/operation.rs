//! What the budget is asked to do with money, and what it answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::account::{Charge, Owner, State};
use crate::ledger::{Book, Ruling, Standing};
use crate::policy::{Definition, Scope};
use crate::pricing::Tokens;

#[cfg(test)]
pub(crate) mod samples;

/// A change of money, or of what may be spent.
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
    /// Store a definition.
    Put(Put),
    /// Remove a definition.
    Delete(Owner),
    /// Start the account of a scope anew.
    Reset(Owner),
    /// Change nothing, and look at a scope.
    Look(Owner),
    /// Change nothing, and look at all definitions of a tenant.
    List(String),
}

impl Operation {
    /// The charge it is about.
    #[must_use]
    pub fn charge(&self) -> Option<&Charge> {
        match self {
            Self::Reserve(reserve) => Some(&reserve.charge),
            Self::Settle(settle) => Some(&settle.charge),
            Self::Release(charge) | Self::Expire(charge) => Some(charge),
            Self::Put(_) | Self::Delete(_) | Self::Reset(_) | Self::Look(_) | Self::List(_) => None,
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> &str {
        match self {
            Self::Reserve(Reserve { charge, .. })
            | Self::Settle(Settle { charge, .. })
            | Self::Release(charge)
            | Self::Expire(charge) => &charge.tenant,
            Self::Put(put) => &put.owner.tenant,
            Self::Delete(owner) | Self::Reset(owner) | Self::Look(owner) => &owner.tenant,
            Self::List(tenant) => tenant,
        }
    }

    /// The scopes that it names itself.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        match self {
            Self::Reserve(reserve) => &reserve.scopes,
            Self::Settle(settle) => &settle.scopes,
            Self::Release(_) | Self::Expire(_) | Self::List(_) => &[],
            Self::Put(Put { owner, .. })
            | Self::Delete(owner)
            | Self::Reset(owner)
            | Self::Look(owner) => std::slice::from_ref(&owner.scope),
        }
    }

    /// Whether it changes which account is the present one, of one scope or of many.
    #[must_use]
    pub fn rules(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Delete(_) | Self::Reset(_))
    }
}

/// A definition to be stored.
#[derive(Clone, Debug)]
pub struct Put {
    /// Of which scope.
    pub owner: Owner,
    /// What it says; its version is not looked at.
    pub definition: Definition,
    /// Whether there must be none yet.
    pub create_only: bool,
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
    /// How the scopes stood before the call.
    pub scopes: Vec<Standing>,
}

impl Verdict {
    pub(crate) fn new(ruling: Ruling, books: &[Book]) -> Self {
        Self { ruling, scopes: books.iter().map(Book::standing).collect() }
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
        /// Whether it was charged by this settle, and not by one before it.
        is_new: bool,
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
    /// Of a put: what is stored now.
    Defined(Arc<Definition>),
    /// Of a delete.
    Deleted,
    /// Of a reset: the new period, and what was spent in the old one.
    Renewed(String, i64),
    /// Of a look.
    Book(Book),
    /// Of a list.
    Definitions(Vec<Arc<Definition>>),
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
    /// There is no definition of the scope.
    #[error("there is no budget for {}:{}", .0.kind, .0.key)]
    Missing(Scope),
    /// There is a definition already.
    #[error("there is a budget for {}:{}", .0.kind, .0.key)]
    Exists(Scope),
}
