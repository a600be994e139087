//! Why an agent gave no answer, and what that means for money, for the breaker and for the caller.

use chassis::fault::Kind;

use super::ReplyUsage;

/// A dispatch that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", kind.code())]
pub struct Failure {
    /// What sort of failure it is.
    pub kind: FailureKind,
    /// What becomes of the reservation.
    pub settlement: Settlement,
    /// What happened, for the log only.
    pub detail: String,
    /// How many attempts were made.
    pub attempts: u32,
}

/// The sorts of failure of the error catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The agent says that it failed, or refuses the call.
    AgentError,
    /// The agent's answer cannot be used.
    InvalidResponse,
    /// No connection, a lost one, or a server in trouble.
    Unreachable,
    /// The deadline passed.
    Timeout,
    /// The turn was cancelled.
    Cancelled,
}

/// What becomes of the money that was reserved for the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The call provably never ran: nothing is charged.
    Release,
    /// The call may have run: what it says it used is charged, else what was reserved.
    Charge(Option<ReplyUsage>),
}

impl FailureKind {
    /// The code of the error catalogue.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AgentError => "agent_error",
            Self::InvalidResponse => "agent_invalid_response",
            Self::Unreachable => "agent_unreachable",
            Self::Timeout => "agent_timeout",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind of fault that a caller sees.
    #[must_use]
    pub fn fault(self) -> Kind {
        match self {
            Self::AgentError | Self::InvalidResponse => Kind::Upstream,
            Self::Unreachable => Kind::Unreachable,
            Self::Timeout => Kind::Late,
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Whether the agent is to blame.
    #[must_use]
    pub fn counts_for_breaker(self) -> bool {
        self != Self::Cancelled
    }
}
