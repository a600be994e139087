//! What happens to a breaker, and what it says.

/// The three states as the outside knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// Probes pass.
    HalfOpen,
}

impl State {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// How a call that had a permit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The agent answered.
    Success,
    /// The agent failed.
    Failure,
    /// Nothing can be said of the agent.
    Neither,
}

/// What an operator may do to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Back to closed, with nothing remembered.
    Reset,
    /// Refuse every call until reset.
    ForceOpen,
    /// Pass every call until reset.
    ForceClosed,
}

impl Action {
    /// The action of a name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "reset" => Some(Self::Reset),
            "force_open" => Some(Self::ForceOpen),
            "force_closed" => Some(Self::ForceClosed),
            _ => None,
        }
    }
}

/// The machine's leave to make one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The generation in which it was given.
    pub generation: u64,
    /// Its number among the probes; 0 when the breaker was closed.
    pub number: u64,
    /// When it frees its place and its report counts as nothing.
    pub expires_ms: i64,
}

/// What happens to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call asks to pass and will be reported within this time.
    Acquire {
        /// How long the permit may stay unreported.
        hold_ms: i64,
    },
    /// A call that had a permit ended.
    Report {
        /// Its permit.
        grant: Grant,
        /// How it ended.
        outcome: Outcome,
    },
    /// A call that nobody asked a permit for ended.
    Record {
        /// Whether it went well.
        success: bool,
    },
    /// An operator acts.
    Set(Action),
}

/// What the machine says to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call may pass.
    Granted(Grant),
    /// The call may not pass.
    Refused {
        /// How long until one may.
        retry_after_ms: i64,
    },
    /// The event was taken note of.
    Noted,
}
