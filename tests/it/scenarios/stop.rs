//! The end of a program: its work is done first, and everybody is told.

use serde_json::json;

use crate::agent::Act;
use crate::fleet::{Fleet, shop};
use crate::world::{Topology, eventually};

#[tokio::test]
async fn sigterm_lets_a_running_turn_finish_refuses_new_ones_and_closes_sockets() {
    for topology in [Topology::One, Topology::Split] {
        let mut fleet = Fleet::start(topology, shop().await, &[]).await;
        let mut socket = fleet.client("user-1").socket("").await;
        socket.until("connected").await;
        let late = json!({"content": "It is on its way.", "workflow_complete": false});
        fleet.agents["support"].script([Act::Hold(late)]);
        let client = fleet.client("user-2");
        let slow = tokio::spawn(async move { client.say("I need help with my order").await });
        fleet.agents["support"].called(1).await;
        let front = fleet.front();
        fleet.signal(front, "-TERM");
        let refused = eventually("a refusal", async || {
            let answer = fleet.client("user-3").say("How much is a tyre?").await;
            (answer.status == 503).then_some(answer)
        })
        .await;
        assert_eq!(refused.text_at("/code"), "shutting_down", "{topology:?}: {}", refused.text);
        assert!(!refused.header("retry-after").is_empty(), "it says when to come back");
        fleet.agents["support"].release();
        let answer = slow.await.unwrap();
        assert_eq!(answer.status, 200, "{topology:?}: {}", answer.text);
        assert_eq!(answer.text_at("/response"), "It is on its way.");
        assert_eq!(socket.closed().await, 1001, "{topology:?}");
        assert_eq!(fleet.ended(front).await, Some(0), "{topology:?}: all its work was done");
    }
}

#[tokio::test]
async fn a_router_that_ends_during_a_turn_finishes_it_first() {
    let mut fleet = Fleet::start(Topology::Split, shop().await, &[]).await;
    let late = json!({"content": "It is on its way.", "workflow_complete": false});
    fleet.agents["support"].script([Act::Hold(late)]);
    let client = fleet.client("user-1");
    let slow = tokio::spawn(async move { client.say("I need help with my order").await });
    fleet.agents["support"].called(1).await;
    fleet.signal("router", "-TERM");
    let refused = eventually("a refusal", async || {
        let answer = fleet.client("user-2").say("How much is a tyre?").await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert_eq!(refused.text_at("/code"), "shutting_down", "{}", refused.text);
    fleet.agents["support"].release();
    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.text_at("/response")), (200, "It is on its way."));
    assert_eq!(fleet.ended("router").await, Some(0), "all its work was done");
}

#[tokio::test]
async fn a_turn_that_outlasts_the_grace_period_is_left_to_recovery() {
    let grace = [("SHUTDOWN_GRACE_MS", "200".to_owned())];
    let mut fleet = Fleet::start(Topology::One, shop().await, &grace).await;
    fleet.agents["support"].script([Act::Hang]);
    let client = fleet.client("user-1");
    let slow = tokio::spawn(async move {
        client.send_and_forget("a-key", json!({"input": "I need help with my order"})).await;
    });
    fleet.agents["support"].called(1).await;
    fleet.signal("mesh", "-TERM");
    assert_eq!(fleet.ended("mesh").await, Some(1), "its work was not done");
    slow.await.unwrap();
}
