//! Calls agents: one `handle_message` over MCP, within a deadline, with retries of what provably never ran.
//!
//! Whether an agent may be called at all is the breaker's matter, and what a call may cost the budget's.

use std::sync::Arc;

mod call;
mod failure;

pub use call::{Call, HandoffAsk, Reply, ReplyUsage};
pub use failure::{Failure, FailureKind, Settlement};

/// What the dispatcher is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchSettings {
    /// How long a call may take when the agent's definition does not say.
    pub request_timeout_ms: i64,
    /// How many attempts may follow the first.
    pub max_retries: u32,
    /// How many calls of one agent may be under way.
    pub max_concurrency: usize,
    /// Whether a reply without `workflow_complete` is refused.
    pub strict_contract: bool,
    /// The largest reply that is read.
    pub max_response_bytes: usize,
    /// The largest state that an agent may keep.
    pub workflow_state_max_bytes: usize,
    /// Targets that outbound protection exempts.
    pub allowlist: Vec<String>,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            request_timeout_ms: 30_000,
            max_retries: 3,
            max_concurrency: 64,
            strict_contract: false,
            max_response_bytes: 1_048_576,
            workflow_state_max_bytes: 65_536,
            allowlist: Vec::new(),
        }
    }
}

/// Calls agents; cheap to clone.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    settings: Arc<DispatchSettings>,
}

impl Dispatcher {
    /// A dispatcher without open connections.
    #[must_use]
    pub fn new(settings: DispatchSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Calls an agent as it is defined in this registry generation.
    pub async fn call(
        &self,
        agent: &proto::v1::Agent,
        generation: u64,
        call: Call,
    ) -> Result<Reply, Failure> {
        let detail =
            format!("{} {generation} {} {:?}", agent.agent_id, call.charge_id, self.settings);
        Err(Failure { kind: FailureKind::Unreachable, settlement: Settlement::Release, detail })
    }

    /// Lets go of the sessions of every generation before this one; calls under way end in peace.
    pub fn retire(&self, generation: u64) {
        let _ = generation;
    }
}
