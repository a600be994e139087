//! What can go wrong with a conversation.

use chassis::fault::Violation;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::dispatch::FailureKind;
use crate::money::usd;
use crate::store::StoreError;

/// The code of a turn whose router was gone.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request break their rules.
    #[error("{} field(s) of the request are not valid", .0.len())]
    Invalid(Vec<Violation>),
    /// The caller did not say for whom it asks.
    #[error("no user is given")]
    UserRequired,
    /// The input looks like an injection, and those are refused.
    #[error("the input was rejected")]
    InputRejected,
    /// There is no such session, or it is somebody else's.
    #[error("there is no such session")]
    SessionNotFound,
    /// The session has ended.
    #[error("the session has ended")]
    SessionClosed,
    /// Too many turns of the session wait.
    #[error("too many turns of this session are waiting")]
    SessionBusy,
    /// The same request id was used for something else.
    #[error("the request id was used for another request")]
    IdempotencyConflict,
    /// The same request is still under way.
    #[error("the request is still in progress")]
    RequestInProgress,
    /// There is no record of such a request.
    #[error("there is no such request")]
    RecordNotFound,
    /// There is no such agent.
    #[error("agent {0} is not loaded")]
    AgentNotFound(String),
    /// Nothing is known of any agent yet.
    #[error("no agents are loaded yet")]
    RegistryNotLoaded,
    /// The process is about to end.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// The budget does not allow it.
    #[error("the budget does not allow this request")]
    BudgetDenied(Box<Denial>),
    /// The budget cannot be asked.
    #[error("the budget service is not available")]
    BudgetUnavailable,
    /// The agent's circuit is open.
    #[error("the circuit of agent {agent_id} is open")]
    CircuitOpen {
        /// The agent.
        agent_id: String,
        /// When a call may pass.
        retry_after_s: i64,
    },
    /// The session's agent is no longer loaded, and nobody can take over.
    #[error("agent {0} is not available")]
    AgentUnavailable(String),
    /// The agent has no free slot.
    #[error("agent {0} has no free slot")]
    AgentBusy(String),
    /// The agent was called, and gave no answer.
    #[error("agent {agent_id} failed: {}", kind.code())]
    Agent {
        /// The agent.
        agent_id: String,
        /// How it failed.
        kind: FailureKind,
    },
    /// The whole turn took too long.
    #[error("the turn took too long")]
    TurnTimeout,
    /// The owner stopped the turn.
    #[error("the turn was cancelled")]
    Cancelled,
    /// Another router has taken the turn over.
    #[error("the turn is no longer held by this router")]
    Lost,
    /// A bug of ours.
    #[error("something went wrong inside")]
    Internal,
    /// What another task has found out already.
    #[error("{}", .0.message())]
    Status(tonic::Status),
    /// The store did not take or give something.
    #[error(transparent)]
    Store(StoreError),
}

/// What the budget said when it said no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denial {
    /// The tightest scope, as `type:key`; empty when no scope is to blame.
    pub scope: String,
    /// What may be spent.
    pub limit_micros: i64,
    /// What has been spent.
    pub spent_micros: i64,
    /// What is promised to calls under way.
    pub reserved_micros: i64,
    /// What is left.
    pub remaining_micros: i64,
    /// What this call would have needed.
    pub estimate_micros: i64,
    /// When the scope has money again.
    pub reset_at_ms: Option<i64>,
    /// Why, for people.
    pub reason: String,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::SessionNotFound,
            StoreError::Closed => Self::SessionClosed,
            StoreError::Busy => Self::SessionBusy,
            StoreError::Lost => Self::Lost,
            other => Self::Store(other),
        }
    }
}

impl Error {
    /// A request of which one field breaks a rule.
    pub(crate) fn field(path: &str, message: &str) -> Self {
        Self::Invalid(vec![Violation { path: path.to_owned(), message: message.to_owned() }])
    }

    /// Whether another agent may be tried instead.
    pub(crate) fn is_of_agent(&self) -> bool {
        matches!(
            self,
            Self::CircuitOpen { .. }
                | Self::AgentUnavailable(_)
                | Self::AgentBusy(_)
                | Self::Agent { .. }
                | Self::BudgetDenied(_)
        )
    }

    /// What sort of refusal it is when the agent was to take over a conversation.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::AgentBusy(_) => "overloaded",
            Self::Agent { kind: FailureKind::Timeout, .. } => "timeout",
            Self::Agent {
                kind: FailureKind::AgentError | FailureKind::InvalidResponse, ..
            } => "unknown",
            _ => "unavailable",
        }
    }

    /// The fields that the error body adds, one JSON object; empty when there are none.
    pub(crate) fn fields(&self) -> String {
        match self {
            Self::BudgetDenied(denial) => denial.fields(),
            Self::CircuitOpen { agent_id, .. }
            | Self::AgentUnavailable(agent_id)
            | Self::AgentNotFound(agent_id)
            | Self::AgentBusy(agent_id)
            | Self::Agent { agent_id, .. } => {
                serde_json::json!({ "agent_id": agent_id }).to_string()
            }
            _ => String::new(),
        }
    }
}

#[derive(Serialize)]
struct DenialBody<'a> {
    scope: &'a str,
    limit_usd: Box<RawValue>,
    spent_usd: Box<RawValue>,
    reserved_usd: Box<RawValue>,
    remaining_usd: Box<RawValue>,
    estimate_usd: Box<RawValue>,
    reset_at: Option<String>,
    reason: &'a str,
}

impl Denial {
    fn fields(&self) -> String {
        if self.scope.is_empty() {
            return serde_json::json!({ "reason": self.reason }).to_string();
        }
        let body = DenialBody {
            scope: &self.scope,
            limit_usd: usd(self.limit_micros),
            spent_usd: usd(self.spent_micros),
            reserved_usd: usd(self.reserved_micros),
            remaining_usd: usd(self.remaining_micros),
            estimate_usd: usd(self.estimate_micros),
            reset_at: self.reset_at_ms.map(crate::clock::rfc3339),
            reason: &self.reason,
        };
        serde_json::to_string(&body).expect("a denial is plain data")
    }
}
