//! What every turn and every chore works with.

use chassis::Life;

use crate::breaker_store::Breakers;
use crate::charge::Confirmed;
use crate::config::Config;
use crate::dispatch::Dispatcher;
use crate::keeper::Keeper;
use crate::peers::Peers;
use crate::queue::Queue;
use crate::roster::Roster;
use crate::store::{Limits, Shared};

/// The parts of the conversation engine.
pub(crate) struct Engine {
    pub config: Config,
    pub store: Shared,
    pub peers: Peers,
    pub roster: Roster,
    pub breakers: Breakers,
    pub dispatcher: Dispatcher,
    pub keeper: Keeper,
    pub queue: Queue,
    pub confirmed: Confirmed,
    pub life: Life,
}

impl Engine {
    /// The bounds of sessions and turns.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            ttl_ms: self.config.session.ttl_ms,
            queue_max: self.config.session.queue_max,
            lease_ms: self.config.turn.lease_ms,
            max_turns: self.config.session.max_turns,
        }
    }
}
