use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::mesh::{Mesh, Message, agents, world};

/// Counts spans by name.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Counter {
    fn of(&self, name: &str) -> usize {
        self.0.lock().unwrap().get(name).copied().unwrap_or_default()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Counter {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        *self.0.lock().unwrap().entry(attributes.metadata().name()).or_default() += 1;
    }
}

#[tokio::test]
async fn a_bypassed_turn_makes_two_commits_and_asks_each_peer_once() {
    let counter = Counter::default();
    let subscriber = tracing_subscriber::registry().with(counter.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    mesh.say(&Message::new("ann", "sales please")).await.body();
    counter.clear();
    let told = mesh.say(&Message::new("ann", "and in blue?")).await;
    assert_eq!(told.names(), ["accepted", "routed", "budget", "result"]);
    let expected = [
        ("store.commit", 2),
        ("budget.reserve", 1),
        ("budget.settle", 1),
        ("circuit_breaker.check", 1),
        ("classifier.classify", 1),
        ("router.dispatch", 1),
        ("session.lookup", 1),
    ];
    for (name, count) in expected {
        assert_eq!(counter.of(name), count, "{name}");
    }
}
