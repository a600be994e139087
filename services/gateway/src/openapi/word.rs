//! The words that stand for a state or an action.

#![expect(dead_code, reason = "these types are written for their schemas")]

use utoipa::ToSchema;

/// How a session is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    Active,
    Completed,
    Abandoned,
    Error,
}

/// How a session ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SessionEnd {
    Completed,
    Abandoned,
    Error,
}

/// Who said something.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Role {
    User,
    Agent,
}

/// Whether an agent takes work.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Availability {
    Available,
    Busy,
    Away,
    Offline,
}

/// Whether an agent gets calls.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

/// What becomes of a breaker.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum BreakerAction {
    Reset,
    ForceOpen,
    ForceClosed,
}

/// What the budget says to a call.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum BudgetAction {
    Allow,
    Warn,
    DisableTools,
    Degrade,
    HardStop,
}

/// How an account is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AccountState {
    Active,
    Warned,
    Degraded,
    Stopped,
}

/// Whose money is spent.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ScopeType {
    Org,
    User,
    Session,
    Agent,
    Task,
}

/// By what the spend is summed up.
#[derive(ToSchema)]
#[schema(as = SpendGroup, rename_all = "snake_case")]
pub(crate) enum Group {
    Day,
    Scope,
    User,
    Agent,
    Model,
}

/// Why a session changes hands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Trigger {
    SpecialistRequired,
    EscalationRequested,
    TopicBoundaryCrossed,
    ConfidenceTooLow,
    LoadBalancing,
}

/// How a receiver is chosen.
#[derive(ToSchema)]
#[schema(as = HandoffPolicy, rename_all = "snake_case")]
pub(crate) enum Policy {
    Strict,
    BestEffort,
    Hierarchical,
}

/// How a conversation is shortened for a receiver.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Strategy {
    Hybrid,
    Summary,
    SlidingWindow,
}
