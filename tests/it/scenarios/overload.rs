//! More than the mesh can work on is sent away at once, and those inside are served.

use futures::future::join_all;
use serde_json::json;

use crate::agent::Act;
use crate::fleet::{Fleet, shop};
use crate::world::Topology;

/// How many turns run at once here.
const TURNS_MAX: usize = 16;

#[tokio::test]
async fn a_turn_too_many_is_refused_with_the_time_to_come_back() {
    let limit = [("SERVICE_MAX_CONCURRENCY", TURNS_MAX.to_string())];
    for topology in [Topology::One, Topology::Split] {
        let mut fleet = Fleet::start(topology, shop().await, &limit).await;
        let held = (0..TURNS_MAX).map(|_| Act::Hold(json!({"content": "At last."})));
        fleet.agents["support"].script(held);
        let turns: Vec<_> = (0..TURNS_MAX)
            .map(|user| fleet.client(&format!("user-{user}")))
            .map(|client| async move { client.say("I need help with my order").await })
            .map(tokio::spawn)
            .collect();
        fleet.agents["support"].called(TURNS_MAX).await;
        let refused = fleet.client("one-more").say("I need help with my order").await;
        assert_eq!(
            (refused.status, refused.text_at("/code"), refused.header("retry-after")),
            (503, "dependency_unavailable", "1"),
            "{topology:?}: {}",
            refused.text
        );
        for _ in 0..TURNS_MAX {
            fleet.agents["support"].release();
        }
        for turn in join_all(turns).await {
            let answer = turn.unwrap();
            assert_eq!(answer.status, 200, "{topology:?}: {}", answer.text);
        }
        let next = fleet.client("one-more").say("I need help with my order").await;
        assert_eq!(next.status, 200, "{topology:?}: places come back: {}", next.text);
        assert_eq!(fleet.stop().await, [], "{topology:?}");
    }
}
