//! Who may come in: the keys that are known and what each may do.

mod credential;
mod digest;
mod file;
mod keys;

pub(crate) use self::credential::{Credential, PROTOCOL, credential_of};
pub(crate) use self::digest::Digest;
pub(crate) use self::keys::{Keys, Refused, reread};
use crate::config::Rate;
use crate::problem::Problem;

/// A group of things that a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Requests, own sessions and their handoff.
    Chat,
    /// Agents, breakers, own budgets and spend, metrics.
    Read,
    /// Everything.
    Admin,
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Chat, Self::Read, Self::Admin].into_iter().find(|scope| scope.name() == name)
    }
}

/// A caller whose key is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// Names the key in logs and limits.
    pub(crate) key_id: String,
    /// Whose agents, sessions and budgets.
    pub(crate) tenant: String,
    /// The only user that it may act for, if it is bound to one.
    pub(crate) bound_user: Option<String>,
    /// What it may do.
    pub(crate) scopes: Vec<Scope>,
    /// Its own limit.
    pub(crate) rate: Option<Rate>,
}

impl Principal {
    /// Whether the key has the scope; admin implies the others.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| *own == scope || *own == Scope::Admin)
    }

    /// The same as a condition.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        tracing::info!(
            audit = true,
            event_type = "auth.failure",
            tenant = self.tenant,
            key_id = self.key_id,
            outcome = "failure",
            failure_reason = "missing scope",
            scope = scope.name(),
            "a key lacks a scope"
        );
        Err(Problem::new("forbidden"))
    }
}
