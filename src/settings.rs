//! The settings of all six services in one process.

use std::net::SocketAddr;

use chassis::Mode;
use chassis::config::{Common, Environment};

/// Where the shipped agents listen when nothing else is said.
const DESK_LISTEN: &str = "127.0.0.1:4100";

/// The shipped agents: the variable that names each one's endpoint, and its path.
const SHIPPED: [(&str, &str); 4] = [
    ("SALES_AGENT_ENDPOINT", "sales"),
    ("SUPPORT_AGENT_ENDPOINT", "support"),
    ("BOOKING_AGENT_ENDPOINT", "booking"),
    ("DEFAULT_AGENT_ENDPOINT", "default-agent"),
];

/// The settings of each part.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of the edge.
    pub gateway: gateway::Config,
    /// Of the classifier.
    pub classifier: classifier::Config,
    /// Of the registry.
    pub registry: registry::Config,
    /// Of the budget.
    pub budget: budget::Config,
    /// Of the conversation engine.
    pub router: router::Config,
    /// Of the transfers.
    pub handoff: handoff::Config,
    /// Of the shipped agents, when they are served here.
    pub desk: Option<desk::Config>,
}

impl Settings {
    /// Reads every part. `desk` is where the shipped agents listen, as [`shipped`] told and the caller bound it.
    pub fn read(env: &mut Environment, desk: Option<SocketAddr>) -> Self {
        if let Some(address) = desk {
            admit(env, address);
        }
        Self {
            gateway: gateway::Config::read(env),
            classifier: classifier::Config::read(env),
            registry: registry::Config::read(env),
            budget: budget::Config::read(env),
            router: router::Config::read(env),
            handoff: handoff::Config::read(env),
            desk: desk.map(|_| desk::Config::read(env)),
        }
    }
}

/// Where the shipped agents are to be served: outside production when an endpoint of theirs is unset, and wherever
/// DESK_LISTEN says so.
pub fn shipped(env: &mut Environment, common: &Common) -> Option<SocketAddr> {
    let is_asked_for = env.text("DESK_LISTEN").is_some();
    let is_needed = SHIPPED.iter().any(|(variable, _)| env.text(variable).is_none());
    let is_default = common.mode != Mode::Production && is_needed;
    (is_asked_for || is_default).then(|| env.address("DESK_LISTEN", DESK_LISTEN))
}

/// Completes definitions of the shipped agents where nobody serves them, as for a check of the files alone.
pub fn point_at_shipped(env: &mut Environment) {
    let address = env.address("DESK_LISTEN", DESK_LISTEN);
    admit(env, address);
}

/// Points the unset endpoints at the shipped agents and allows exactly their address.
fn admit(env: &mut Environment, address: SocketAddr) {
    for (variable, path) in SHIPPED {
        env.fill(variable, &format!("http://{address}/{path}"));
    }
    let mut allowed = env.list("AGENT_ENDPOINT_ALLOWLIST", &[]);
    allowed.push(address.to_string());
    env.replace("AGENT_ENDPOINT_ALLOWLIST", &allowed.join(","));
}
