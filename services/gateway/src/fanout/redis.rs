//! Events between replicas, over Redis.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use chassis::{Life, clock};
use futures::StreamExt as _;
use redis::{AsyncCommands as _, Client, Script};
use tokio::sync::{mpsc, watch};

use super::event::{Event, Owner};
use super::hub::Hub;
use super::{KEPT_MAX, Relay};

/// Events that wait for Redis; more are told on this replica alone.
const QUEUE_MAX: usize = 8_192;
/// Events that one script takes.
const BATCH_MAX: usize = 64;
/// How long an event for other replicas waits for those that follow it: those of a turn come close together.
const COMPANY: Duration = Duration::from_millis(4);
const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How often a silent connection is asked whether it is alive.
const PING_EVERY: Duration = Duration::from_secs(10);
const READ_LIMIT: Duration = Duration::from_secs(1);

static PUBLISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("publish.lua")));

/// A relay over a channel, with a list of kept events for each session.
pub(super) struct Redis {
    store: Store,
    queue: mpsc::Sender<Arc<Event>>,
    connected: watch::Receiver<bool>,
}

#[derive(Clone)]
struct Store {
    redis: chassis::Redis,
    replay_ms: i64,
}

impl Redis {
    pub(super) fn open(redis: chassis::Redis, replay_ms: i64, hub: &Arc<Hub>, life: &Life) -> Self {
        let store = Store { redis, replay_ms };
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (announce, connected) = watch::channel(false);
        let closing = life.clone();
        life.spawn_connection("events out", send_all(store.clone(), waiting, closing));
        let (hub, closing, own) = (hub.clone(), life.clone(), store.clone());
        life.spawn_connection("events in", async move {
            tokio::select! {
                () = receive_all(&own, &hub, &announce) => {}
                () = closing.closing() => {}
            }
        });
        Self { store, queue, connected }
    }
}

#[async_trait]
impl Relay for Redis {
    fn send(&self, event: &Arc<Event>) {
        if self.queue.try_send(event.clone()).is_err() {
            metrics::counter!("gateway.events.unrelayed").increment(1);
        }
    }

    async fn kept(&self, owner: &Owner, session_id: &str) -> Vec<Arc<Event>> {
        let mut connection = self.store.redis.connection();
        let key = self.store.key(owner, session_id);
        let read = connection.lrange::<_, Vec<Vec<u8>>>(key, 0, -1);
        let texts = match tokio::time::timeout(READ_LIMIT, read).await {
            Ok(Ok(texts)) => texts,
            Ok(Err(error)) => {
                tracing::warn!(%error, "kept events cannot be read");
                return Vec::new();
            }
            Err(_) => return Vec::new(),
        };
        let oldest_ms = clock::now_ms() - self.store.replay_ms;
        let events = texts.iter().filter_map(|text| Event::decode(text));
        events.filter(|event| oldest_ms < event.at_ms).map(Arc::new).collect()
    }

    async fn connected(&self) {
        let _ = self.connected.clone().wait_for(|connected| *connected).await;
    }
}

impl Store {
    fn channel(&self) -> String {
        self.redis.key("gateway:events")
    }

    fn key(&self, owner: &Owner, session_id: &str) -> String {
        self.redis.key(&format!("gateway:kept:{}", owner.key(session_id)))
    }

    async fn publish(&self, events: &[Arc<Event>]) {
        let key =
            |event: &Arc<Event>| self.key(&event.publication.owner, &event.publication.session_id);
        let keys: Vec<_> = events.iter().map(key).collect();
        let mut arguments = vec![self.channel(), self.replay_ms.to_string(), KEPT_MAX.to_string()];
        arguments.extend(events.iter().map(|event| event.encode()));
        if let Err(error) = self.redis.run::<i64>(&PUBLISH, &keys, &arguments).await {
            tracing::warn!(%error, events = events.len(), "events stay on this replica");
        }
    }
}

/// Sends what waits until the process closes, and then what is left.
async fn send_all(store: Store, mut waiting: mpsc::Receiver<Arc<Event>>, life: Life) {
    let mut events = Vec::with_capacity(BATCH_MAX);
    loop {
        let count = tokio::select! {
            biased;
            count = waiting.recv_many(&mut events, BATCH_MAX) => count,
            () = life.closing() => 0,
        };
        if count == 0 {
            return;
        }
        if count < BATCH_MAX {
            tokio::select! {
                () = tokio::time::sleep(COMPANY) => {}
                () = life.closing() => {}
            }
            while events.len() < BATCH_MAX
                && let Ok(event) = waiting.try_recv()
            {
                events.push(event);
            }
        }
        store.publish(&events).await;
        events.clear();
    }
}

/// Receives events, over one connection after another.
async fn receive_all(store: &Store, hub: &Hub, connected: &watch::Sender<bool>) {
    let mut wait = WAIT_MIN;
    loop {
        if let Err(error) = receive(store, hub, connected).await {
            tracing::warn!(%error, "events of other replicas do not arrive");
        }
        if connected.send_replace(false) {
            wait = WAIT_MIN;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

async fn receive(
    store: &Store,
    hub: &Hub,
    connected: &watch::Sender<bool>,
) -> redis::RedisResult<()> {
    let late = |_| redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let client = Client::open(store.redis.url())?;
    let (mut sink, mut stream) =
        tokio::time::timeout(READ_LIMIT, client.get_async_pubsub()).await.map_err(late)??.split();
    tokio::time::timeout(READ_LIMIT, sink.subscribe(store.channel())).await.map_err(late)??;
    connected.send_replace(true);
    loop {
        match tokio::time::timeout(PING_EVERY, stream.next()).await {
            Ok(Some(message)) => match Event::decode(message.get_payload_bytes()) {
                Some(event) => hub.deliver(&event),
                None => tracing::warn!("an event of another replica cannot be read"),
            },
            Ok(None) => return Ok(()),
            Err(_) => {
                tokio::time::timeout(READ_LIMIT, sink.ping::<redis::Value>())
                    .await
                    .map_err(late)??;
            }
        }
    }
}
