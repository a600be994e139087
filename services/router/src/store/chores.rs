use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Lease, StoreError};
use crate::ending::Ending;
use crate::session::{Owner, Session};

/// What is left to do when nobody asks: turns without a router, sessions past their time, charges and events that did
/// not get through.
#[async_trait]
pub trait Chores: Send + Sync {
    /// Turns whose router gave no sign of life, longest dead first.
    async fn orphans(&self, now_ms: i64, limit: i64) -> Result<Vec<Orphan>, StoreError>;

    /// Takes an orphan over, unless somebody else did or its router is back.
    async fn seize(
        &self,
        lease: &Lease,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<Lease>, StoreError>;

    /// Ends live sessions whose time is over, with their events; those that it ended.
    async fn expire(&self, now_ms: i64, limit: i64) -> Result<Vec<Session>, StoreError>;

    /// Forgets sessions that ended before a time, and turns without a session that are older; how many it found.
    async fn forget(&self, before_ms: i64, limit: i64) -> Result<u64, StoreError>;

    /// Keeps a charge until it is confirmed.
    async fn keep(&self, settlement: &Settlement) -> Result<(), StoreError>;

    /// Takes unconfirmed charges that are due, and puts off their next try.
    async fn settlements(
        &self,
        now_ms: i64,
        next_ms: i64,
        limit: i64,
    ) -> Result<Vec<Settlement>, StoreError>;

    /// Forgets charges that were confirmed.
    async fn settled(&self, charge_ids: &[String]) -> Result<(), StoreError>;

    /// Whether the switch of a handoff was committed, and to whom.
    async fn switched(&self, handoff_id: &str) -> Result<Option<String>, StoreError>;

    /// Takes events that are due, and puts off their next try.
    async fn outgoing(
        &self,
        now_ms: i64,
        next_ms: i64,
        limit: i64,
    ) -> Result<Vec<Outgoing>, StoreError>;

    /// Notes that an event is in the stream.
    async fn streamed(&self, event_id: &str) -> Result<(), StoreError>;

    /// Forgets an event that was delivered.
    async fn delivered(&self, event_id: &str) -> Result<(), StoreError>;
}

/// A turn whose router gave no sign of life.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// The lease that ran out.
    pub lease: Lease,
    /// Whose turn it is.
    pub owner: Owner,
    /// The owner's id of it.
    pub request_id: String,
    /// Whether it had begun to run.
    pub is_running: bool,
    /// How it ends if it came that far.
    pub provisional: Option<Ending>,
}

/// A charge that the budget service has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The charge.
    pub charge_id: String,
    /// The turn that caused it.
    pub turn_id: String,
    /// What is to be done about it.
    pub order: Order,
    /// When to try next.
    pub due_ms: i64,
    /// How often it was tried.
    pub tries: i64,
}

/// What is to be done about a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whose charge it is.
    pub tenant: String,
    /// The user.
    pub user_id: String,
    /// The request.
    pub request_id: String,
    /// Give the reservation back instead of charging it.
    pub release: bool,
    /// What the agent says it used; absent: what was reserved.
    pub usage: Option<Used>,
    /// What it is charged whatever it used.
    pub actual_micros: Option<i64>,
    /// Whether the amount is a guess.
    pub estimated: bool,
    /// The scopes to charge when nothing was reserved.
    pub unreserved: Option<Vec<(String, String)>>,
    /// What the agent costs per call.
    pub per_call_micros: Option<i64>,
    /// The agent.
    pub agent_id: String,
}

/// What an agent says it used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The model.
    pub model: String,
    /// Tokens read.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// What it cost, if the agent knows.
    pub cost_micros: Option<i64>,
}

/// An event that was not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its id.
    pub event_id: String,
    /// The session.
    pub session_id: String,
    /// What happened.
    pub event_type: String,
    /// The details, one JSON object.
    pub payload_json: String,
    /// When.
    pub created_ms: i64,
    /// Whether it is in the stream already.
    pub is_streamed: bool,
}
