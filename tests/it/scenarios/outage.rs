//! What is left when a peer is down, and that everything comes back by itself.

use std::net::SocketAddr;

use chassis::testing;
use url::Url;

use crate::fleet::{Fleet, shop};
use crate::valve::Valve;
use crate::world::{Topology, eventually};

/// A store behind a valve: the variable that names it, its URL through the valve.
async fn guarded(url: &str) -> (Valve, String) {
    let mut url: Url = url.parse().unwrap();
    let host = url.host_str().unwrap().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(6379);
    let target: SocketAddr = tokio::net::lookup_host((host, port))
        .await
        .unwrap()
        .next()
        .expect("the store has an address");
    let valve = Valve::before(target).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(valve.address.port())).unwrap();
    (valve, url.to_string())
}

/// Resolves when a new customer is answered again.
async fn recovered(fleet: &Fleet, what: &str) {
    let mut users = 0;
    eventually(what, async || {
        users += 1;
        let client = fleet.client(&format!("late-{users}"));
        (client.say("I need help with my order").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_redis_customers_are_answered_all_the_same() {
    for topology in [Topology::One, Topology::Split] {
        let (redis, url) = guarded(testing::redis_url().as_str()).await;
        let mut fleet = Fleet::start(topology, shop().await, &[("REDIS_URL", url)]).await;
        let client = fleet.client("user-1");
        let first = client.say("I need help with my order").await;
        assert_eq!(first.status, 200, "{}", first.text);
        redis.shut();
        let second = client.say("It is number 1042").await;
        assert_eq!(second.status, 200, "{topology:?}: {}", second.text);
        assert_eq!(second.body["session_id"], first.body["session_id"], "sessions are unaffected");
        let other = fleet.client("user-2").say("How much does the blue bicycle cost?").await;
        assert_eq!((other.status, other.text_at("/agent_id")), (200, "sales"), "{}", other.text);
        redis.open();
        recovered(&fleet, "an answer with redis again").await;
        assert_eq!(fleet.stop().await, [], "{topology:?}");
    }
}

#[tokio::test]
async fn without_postgres_customers_are_told_so_and_answered_again_when_it_is_back() {
    for topology in [Topology::One, Topology::Split] {
        let (postgres, url) = guarded(&testing::postgres_url().await).await;
        let mut fleet = Fleet::start(topology, shop().await, &[("DATABASE_URL", url)]).await;
        let first = fleet.client("user-1").say("I need help with my order").await;
        assert_eq!(first.status, 200, "{}", first.text);
        let calls = fleet.agents["support"].calls().len();
        postgres.shut();
        let refused = fleet.client("user-2").say("I need help with my order").await;
        assert_eq!(
            (refused.status, refused.text_at("/code")),
            (503, "dependency_unavailable"),
            "{topology:?}: {}",
            refused.text
        );
        assert_eq!(fleet.agents["support"].calls().len(), calls, "no agent hears of it");
        postgres.open();
        recovered(&fleet, "an answer with postgres again").await;
        let next = fleet.client("user-1").say("It is number 1042").await;
        assert_eq!(
            next.body["session_id"], first.body["session_id"],
            "nothing was lost: {}",
            next.text
        );
        assert_eq!(fleet.stop().await, [], "{topology:?}");
    }
}

#[tokio::test]
async fn without_the_budget_no_agent_is_called() {
    let mut fleet = Fleet::start(Topology::Split, shop().await, &[]).await;
    let first = fleet.client("user-1").say("I need help with my order").await;
    assert_eq!(first.status, 200, "{}", first.text);
    fleet.signal("budget", "-KILL");
    assert_eq!(fleet.ended("budget").await, None);
    let refused = fleet.client("user-2").say("I need help with my order").await;
    assert_eq!(
        (refused.status, refused.text_at("/code")),
        (503, "budget_unavailable"),
        "{}",
        refused.text
    );
    assert_eq!(fleet.agents["support"].calls().len(), 1, "the agent is not contacted");
    fleet.start_again("budget");
    recovered(&fleet, "an answer with the budget again").await;
    assert_eq!(fleet.stop().await, []);
}

#[tokio::test]
async fn without_the_classifier_the_default_agent_answers() {
    let mut fleet = Fleet::start(Topology::Split, shop().await, &[]).await;
    fleet.signal("classifier", "-KILL");
    assert_eq!(fleet.ended("classifier").await, None);
    let answer = fleet.client("user-1").say("I need help with my order").await;
    assert_eq!((answer.status, answer.text_at("/agent_id")), (200, "hello"), "{}", answer.text);
    let reason = "Classifier unavailable, falling back to default";
    assert_eq!(answer.body["routing"]["reason"], reason, "{}", answer.text);
    fleet.start_again("classifier");
    let mut users = 1;
    eventually("a classified message", async || {
        users += 1;
        let client = fleet.client(&format!("user-{users}"));
        let answer = client.say("I need help with my order").await;
        (answer.body["agent_id"] == "support").then_some(())
    })
    .await;
    assert_eq!(fleet.stop().await, []);
}
