//! Asks a candidate whether it takes over, by the transports that its definition names (contract, section 21).
//!
//! An agent without the tool `accept_handoff` accepts by being dispatched to, so its offer costs no call once it is
//! known what tools it lists.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock;
use chassis::connect::{Connector, Resolver};
use chassis::wire::Wire;
use proto::v1::Agent;

use crate::config::Offers;
use crate::letter::Letter;

mod a2a;
mod answer;
mod failure;
mod mcp;

pub(crate) use answer::Class;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1_048_576;
/// Idle connections kept for one host.
const IDLE_MAX: usize = 4;

/// What a candidate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It takes over.
    Accepted,
    /// It does not.
    Refused(Refusal),
}

/// Why a candidate does not take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What sort of reason.
    pub(crate) class: Class,
    /// The reason, for people.
    pub(crate) reason: String,
}

impl Refusal {
    /// A refusal of this class.
    pub(crate) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }
}

/// What came of one transport.
enum Outcome {
    /// The candidate answered, or accepts in band.
    Answered(Reply),
    /// Another transport may fare better.
    Failed(Refusal),
}

/// Carries offers to candidates.
pub(crate) struct Courier {
    settings: Offers,
    mcp: mcp::Mcp,
    a2a: a2a::A2a,
}

impl Courier {
    /// A courier with connections of its own.
    pub(crate) fn new(settings: Offers, resolver: Arc<dyn Resolver>) -> Self {
        let connector = Connector::new(settings.allowlist.clone(), resolver);
        let wire = Wire::new(connector, IDLE_MAX, ANSWER_BYTES_MAX);
        let bytes_max = settings.payload_bytes_max;
        let mcp = mcp::Mcp::new(wire.clone(), bytes_max);
        Self { mcp, a2a: a2a::A2a::new(wire, bytes_max), settings }
    }

    /// Offers a conversation to a candidate; `generation` is that of its definition. Never later than the deadline.
    pub(crate) async fn offer(
        &self,
        agent: &Agent,
        generation: u64,
        letter: &Letter<'_>,
        deadline_ms: i64,
    ) -> Reply {
        let left_ms = deadline_ms.min(letter.expires_ms) - clock::now_ms();
        if left_ms <= 0 {
            return Reply::Refused(Refusal::new(Class::Timeout, "the handoff has expired"));
        }
        let limit = self.settings.timeout.min(Duration::from_millis(left_ms.unsigned_abs()));
        let asking = self.ask(agent, generation, letter);
        tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {} ms", limit.as_millis());
            Reply::Refused(Refusal::new(Class::Timeout, reason))
        })
    }

    async fn ask(&self, agent: &Agent, generation: u64, letter: &Letter<'_>) -> Reply {
        if agent.endpoint.is_empty() {
            return in_process(letter);
        }
        let mut last =
            Refusal::new(Class::CapabilityMismatch, "the agent has no transport for offers");
        for transport in transports(agent) {
            let outcome = match transport {
                "a2a" if !self.may_carry(&agent.a2a_endpoint) => {
                    let reason = "the A2A endpoint is not encrypted";
                    Outcome::Failed(Refusal::new(Class::Unavailable, reason))
                }
                "a2a" => self.a2a.offer(agent, letter).await,
                _ => self.mcp.offer(agent, generation, letter).await,
            };
            match outcome {
                Outcome::Answered(reply) => return reply,
                Outcome::Failed(refusal) => {
                    let class = refusal.class.name();
                    tracing::info!(agent_id = agent.agent_id, transport, class, "an offer failed");
                    last = refusal;
                }
            }
        }
        Reply::Refused(last)
    }

    /// Whether this URL may carry what customers said.
    fn may_carry(&self, url: &str) -> bool {
        !self.settings.must_encrypt || url.starts_with("https://")
    }
}

/// The transports of an agent that can be used, in its order.
fn transports(agent: &Agent) -> impl Iterator<Item = &str> {
    let named = agent.transports.iter().map(String::as_str);
    let default = ["mcp", "a2a"].into_iter().filter(|_| agent.transports.is_empty());
    named
        .chain(default)
        .filter(|name| *name == "mcp" || *name == "a2a" && !agent.a2a_endpoint.is_empty())
}

// A handler inside the router has no way to answer an offer.
fn in_process(letter: &Letter<'_>) -> Reply {
    if letter.must_accept {
        let reason = "the agent cannot accept explicitly";
        return Reply::Refused(Refusal::new(Class::CapabilityMismatch, reason));
    }
    Reply::Accepted
}
