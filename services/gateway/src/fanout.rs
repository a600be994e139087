//! Who hears what happens in a session: sockets and streams of its owner, on every replica, each event once and in order.
//!
//! The [`hub`](self::hub) serves the subscribers of this replica. A relay carries events between replicas and keeps them
//! for those who come back.

mod event;
mod hub;
mod kept;
mod redis;
mod subscription;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::Life;

use self::event::Event;
pub(crate) use self::event::{Owner, Publication};
use self::hub::Hub;
pub(crate) use self::subscription::{Outbox, Subscription};

/// Events that are kept of a session.
const KEPT_MAX: usize = 1_000;
/// What the start waits for the relay; without it events of other replicas are missed until it is there.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// What carries events from replica to replica.
#[async_trait]
trait Relay: Send + Sync {
    /// Takes an event on its way. It is asked in the order of the events and must not wait.
    fn send(&self, event: &Arc<Event>);

    /// The events of a session that are kept for all replicas, oldest first.
    async fn kept(&self, owner: &Owner, session_id: &str) -> Vec<Arc<Event>>;

    /// Resolves when events of other replicas arrive.
    async fn connected(&self);
}

/// A relay for the only replica.
struct Alone;

#[async_trait]
impl Relay for Alone {
    fn send(&self, _: &Arc<Event>) {}

    async fn kept(&self, _: &Owner, _: &str) -> Vec<Arc<Event>> {
        Vec::new()
    }

    async fn connected(&self) {}
}

/// The fan-out of one replica.
#[derive(Clone)]
pub(crate) struct Fanout {
    hub: Arc<Hub>,
    relay: Arc<dyn Relay>,
}

impl Fanout {
    /// Opens the fan-out, over Redis if there is one.
    pub(crate) fn open(redis: Option<chassis::Redis>, replay_ms: i64, life: &Life) -> Self {
        let hub = Arc::new(Hub::new(replay_ms));
        let relay: Arc<dyn Relay> = match redis {
            Some(redis) => Arc::new(redis::Redis::open(redis, replay_ms, &hub, life)),
            None => Arc::new(Alone),
        };
        Self { hub, relay }
    }

    /// Waits a moment for the events of other replicas.
    pub(crate) async fn connect(&self) {
        if tokio::time::timeout(CONNECT_LIMIT, self.relay.connected()).await.is_err() {
            tracing::warn!("events of other replicas do not arrive yet");
        }
    }

    /// Sends an event to all who listen. How many of them are on this replica.
    pub(crate) fn publish(&self, publication: Publication) -> usize {
        self.hub.publish(publication, |event| self.relay.send(event))
    }

    /// Listens to the session that the owner calls by this name, whether it exists yet or not.
    pub(crate) fn subscribe(&self, owner: &Owner, name: &str, queue: usize) -> Subscription {
        Hub::subscribe(&self.hub, owner, name, queue)
    }

    /// Says which session a subscriber's name denotes.
    pub(crate) fn bind(&self, subscription: &Subscription, session_id: &str) {
        self.hub.bind(subscription.id(), session_id);
    }

    /// Puts the kept events of the session after this one before the live ones. Whether it is still kept; if not, only
    /// live events come.
    pub(crate) async fn resume(
        &self,
        subscription: &mut Subscription,
        session_id: &str,
        event_id: &str,
    ) -> bool {
        let owner = subscription.owner().clone();
        let shared = self.relay.kept(&owner, session_id).await;
        subscription.resume(event_id, self.hub.with_own_kept(&owner, session_id, shared))
    }
}

#[cfg(test)]
mod tests;
