//! How one attempt failed, and what follows from that: whether to try again, what to charge, whom to blame.

use chassis::wire::WireError;

use super::{Failure, FailureKind, ReplyUsage, Settlement};

const BAD_GATEWAY: u16 = 502;
const UNAVAILABLE: u16 = 503;
const TOO_MANY: u16 = 429;

/// How one attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Setback {
    #[error("no connection: {cause}")]
    Unconnected { cause: String, is_forbidden: bool },
    #[error("the MCP session is gone")]
    Gone,
    #[error("HTTP status {code}")]
    Status { code: u16, retry_after_ms: Option<i64> },
    #[error("connection lost: {cause}")]
    Lost { cause: String, was_sent: bool },
    #[error("the agent reports an error")]
    Tool { is_retryable: bool, usage: Option<ReplyUsage> },
    #[error("unusable reply: {why}")]
    Unusable { why: String, usage: Option<ReplyUsage> },
    #[error("the deadline passed")]
    Late { was_sent: bool },
    #[error("the turn was cancelled")]
    Cancelled { was_sent: bool },
    /// Before the agent could be asked anything: nothing has run, whatever it was.
    #[error("handshake: {0}")]
    Handshake(Box<Setback>),
}

impl Setback {
    /// A reply that cannot be used and says nothing of what it used.
    pub(super) fn unusable(why: impl ToString) -> Self {
        Self::Unusable { why: why.to_string(), usage: None }
    }

    /// Whether another attempt is allowed: the call provably never ran, and trying again may help.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Unconnected { is_forbidden, .. } => !is_forbidden,
            Self::Gone => true,
            Self::Status { code: TOO_MANY, .. } => true,
            Self::Status { code: BAD_GATEWAY | UNAVAILABLE, retry_after_ms } => {
                retry_after_ms.is_some()
            }
            Self::Lost { was_sent, .. } => !was_sent,
            Self::Tool { is_retryable, .. } => *is_retryable,
            Self::Handshake(inner) => inner.is_retryable(),
            Self::Status { .. }
            | Self::Unusable { .. }
            | Self::Late { .. }
            | Self::Cancelled { .. } => false,
        }
    }

    /// Whether the agent may know the session, or the revision that was agreed on, no more.
    pub(super) fn spoils_session(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Status { code, .. } => (400..500).contains(code) && *code != TOO_MANY,
            _ => false,
        }
    }

    /// How long the agent wants to be left alone.
    pub(super) fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::Status { retry_after_ms, .. } => *retry_after_ms,
            Self::Handshake(inner) => inner.retry_after_ms(),
            _ => None,
        }
    }

    /// What the caller of the dispatch learns.
    pub(super) fn into_failure(self, attempts: u32) -> Failure {
        let (kind, detail) = (self.kind(), self.to_string());
        Failure { kind, detail, settlement: self.settlement(), attempts }
    }

    fn kind(&self) -> FailureKind {
        match self {
            Self::Unconnected { .. } | Self::Gone | Self::Lost { .. } => FailureKind::Unreachable,
            Self::Status { code: TOO_MANY | 500.., .. } => FailureKind::Unreachable,
            Self::Status { code: 400..500, .. } | Self::Tool { .. } => FailureKind::AgentError,
            Self::Status { .. } | Self::Unusable { .. } => FailureKind::InvalidResponse,
            Self::Late { .. } => FailureKind::Timeout,
            Self::Cancelled { .. } => FailureKind::Cancelled,
            Self::Handshake(inner) => inner.kind(),
        }
    }

    fn settlement(self) -> Settlement {
        match self {
            Self::Unconnected { .. } | Self::Gone | Self::Handshake(_) => Settlement::Release,
            Self::Status { code: 400..500, .. } => Settlement::Release,
            Self::Status { code: BAD_GATEWAY | UNAVAILABLE, retry_after_ms: Some(_) } => {
                Settlement::Release
            }
            Self::Tool { is_retryable: true, usage: None } => Settlement::Release,
            Self::Tool { usage, .. } | Self::Unusable { usage, .. } => Settlement::Charge(usage),
            Self::Status { .. } => Settlement::Charge(None),
            Self::Lost { was_sent, .. }
            | Self::Late { was_sent }
            | Self::Cancelled { was_sent } => {
                if was_sent {
                    Settlement::Charge(None)
                } else {
                    Settlement::Release
                }
            }
        }
    }
}

impl From<WireError> for Setback {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Unconnected { cause, is_forbidden } => {
                Self::Unconnected { cause, is_forbidden }
            }
            WireError::Lost { cause, was_sent } => Self::Lost { cause, was_sent },
            WireError::Status { code, retry_after_ms } => Self::Status { code, retry_after_ms },
            WireError::TooLarge(_) | WireError::Form | WireError::Message => Self::unusable(error),
        }
    }
}
