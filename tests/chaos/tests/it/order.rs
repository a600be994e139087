//! Many sessions at once over two routers: each in its own order, and nothing lost.

use std::collections::BTreeMap;

use chaos::check;
use chaos::user::deliver;
use futures::StreamExt as _;

use crate::world::{Plan, World, message};

/// However slow the machine is, nobody is taken for dead.
const PLAN: Plan = Plan { passes_on: false, lease_ms: 60_000, is_handoff_apart: false };
const SESSIONS: usize = 200;
/// Messages of a user after the first, all at once.
const AT_ONCE: usize = 3;
/// How many users talk side by side.
const USERS_AT_ONCE: usize = 50;

#[tokio::test]
async fn two_routers_keep_two_hundred_sessions_in_order() {
    let world = World::start(PLAN).await;
    let _routers = [world.router(0).await, world.router(1).await];
    let talks = futures::stream::iter(0..SESSIONS).map(async |number| {
        let user = format!("user-{number}");
        let mut stories = vec![deliver(&world.client, &message(&user, 0), number).await];
        let more = (1..=AT_ONCE)
            .map(async |n| deliver(&world.client, &message(&user, n), number + n).await);
        stories.extend(futures::future::join_all(more).await);
        stories
    });
    let stories: Vec<_> = talks.buffer_unordered(USERS_AT_ONCE).concat().await;
    assert_eq!(stories.len(), SESSIONS * (1 + AT_ONCE));
    for story in &stories {
        assert_eq!((story.ending.status, story.tries), (200, 1), "{story:?}");
    }

    // Each call is told all that was said and answered before it, and nothing of what waits behind it.
    let mut sessions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for call in world.desks.calls() {
        let past = sessions.entry(call["session_id"].as_str().unwrap().to_owned()).or_default();
        let history = call["turn_history"].as_array().unwrap();
        let users = history.iter().filter(|entry| entry["role"] == "user");
        let told: Vec<_> = users.map(|entry| entry["content"].as_str().unwrap()).collect();
        assert_eq!(told, *past, "{call}");
        assert_eq!(history.len(), 2 * past.len(), "{call}");
        past.push(call["raw_input"].as_str().unwrap().to_owned());
    }
    assert_eq!(sessions.len(), SESSIONS);
    assert!(sessions.values().all(|said| said.len() == 1 + AT_ONCE));
    let evidence = world.evidence(stories).await;
    assert_eq!(check::all(&evidence).await.unwrap(), []);
}
