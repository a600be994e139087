use std::sync::{Arc, Mutex};

use chassis::testing;
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::mesh::{Mesh, Message, agents, world};

/// A span that was opened.
struct Opened {
    name: &'static str,
    /// Whether a turn did it, and not a chore.
    is_in_turn: bool,
}

/// All spans in the order in which they were opened.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Opened>>>);

impl Spans {
    fn count(&self, name: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|span| span.name == name).count()
    }

    /// Which of these a turn opened, in order.
    fn of_turn(&self, names: &[&str]) -> Vec<&'static str> {
        let spans = self.0.lock().unwrap();
        let opened = spans.iter().filter(|span| span.is_in_turn && names.contains(&span.name));
        opened.map(|span| span.name).collect()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let is_in_turn =
            context.span_scope(id).is_some_and(|mut scope| scope.any(|span| span.name() == "turn"));
        let name = attributes.metadata().name();
        self.0.lock().unwrap().push(Opened { name, is_in_turn });
    }
}

#[tokio::test]
async fn a_bypassed_turn_makes_two_commits_runs_two_scripts_and_asks_each_peer_once() {
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for redis in [None, Some(testing::redis().await)] {
        let scripts = redis.iter().len();
        let agents = agents().await;
        let stores = (testing::sqlite().await, redis);
        let mesh = Mesh::with(stores, &world(&agents), &[]).await;
        mesh.say(&Message::new("ann", "sales please")).await.body();
        spans.clear();
        let told = mesh.say(&Message::new("ann", "and in blue?")).await;
        assert_eq!(told.names(), ["accepted", "routed", "budget", "result"]);
        let expected = [
            ("store.commit", 2),
            ("budget.reserve", 1),
            ("budget.settle", 1),
            ("circuit_breaker.check", 1),
            ("classifier.classify", 1),
            ("session.lookup", 1),
        ];
        for (name, count) in expected {
            assert_eq!(spans.count(name), count, "{name} with {scripts}");
        }
        let order = spans.of_turn(&["redis.script", "router.dispatch"]);
        let expected = ["redis.script", "router.dispatch", "redis.script"];
        match scripts {
            0 => assert_eq!(order, ["router.dispatch"]),
            _ => assert_eq!(order, expected, "one before the agent is called and one after it"),
        }
        mesh.stop().await;
    }
}
