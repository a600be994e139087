use futures::FutureExt as _;

use super::*;
use crate::Config;
use crate::load::Loader;
use crate::store::{Claim, Memory};

const DEFINITION: &str = "\
agent_id: sales
display_name: Sales
description: Sells things.
type: mcp
endpoint: https://8.8.8.8/mcp
is_default: true
confidence_threshold: 0
clarification_required: false
examples: [What does it cost?]
";

async fn roster() -> Arc<Roster> {
    let folder = chassis::testing::folder();
    std::fs::write(folder.join("sales.yaml"), DEFINITION).unwrap();
    let config = Config { folder, ..Config::default() };
    let loader = Loader::of(&config, chassis::connect::system()).unwrap();
    Arc::new(Roster::open(loader, Arc::new(Memory::default()), 1).await.unwrap())
}

async fn acquire(roster: &Roster, holder: &str, ttl_ms: i64) {
    roster.acquire(Claim { agent_id: "sales", holder, ttl_ms }).await.unwrap();
}

fn load(shown: &Snapshot) -> i64 {
    shown.agents[0].load
}

#[tokio::test]
async fn a_flood_of_slots_makes_few_snapshots_and_none_is_lost() {
    let roster = roster().await;
    let life = Life::new();
    let mut shown = roster.board.watch();
    shown.mark_unchanged();
    tokio::time::pause();
    life.spawn("load", keep_fresh(roster.clone(), life.clone()));
    let mut loads = Vec::new();
    for number in 0..500 {
        acquire(&roster, &format!("session-{number}"), 60_000).await;
        tokio::time::advance(Duration::from_millis(1)).await;
        if shown.changed().now_or_never().is_some() {
            loads.push(load(&shown.borrow_and_update()));
        }
    }
    while loads.last() != Some(&500) {
        shown.changed().await.unwrap();
        loads.push(load(&shown.borrow_and_update()));
    }
    assert!(loads.is_sorted(), "{loads:?}");
    assert!((2..=4).contains(&loads.len()), "500 ms hold at most 3 gatherings: {loads:?}");
    life.stop();
    life.finished().await;
}

#[tokio::test]
async fn a_slot_that_ends_by_itself_is_noticed() {
    let roster = roster().await;
    let life = Life::new();
    let mut shown = roster.board.watch();
    life.spawn("load", keep_fresh(roster.clone(), life.clone()));
    acquire(&roster, "short", 20).await;
    let limit = REFRESH_INTERVAL * 5;
    for expected in [1, 0] {
        let reached = shown.wait_for(|shown| load(shown) == expected);
        tokio::time::timeout(limit, reached).await.expect("it is shown in time").unwrap();
    }
    life.stop();
    life.finished().await;
}

#[tokio::test]
async fn a_watcher_gets_the_present_at_once_and_then_the_newest() {
    let roster = roster().await;
    let life = Life::new();
    let mut stream = snapshots(&roster.board, &life);
    let first = stream.next().now_or_never().flatten().expect("it is there at once").unwrap();
    assert_eq!(first.generation, 1);
    roster.reload().await;
    roster.reload().await;
    let second = stream.next().await.expect("the stream goes on").unwrap();
    assert_eq!(second.generation, 3, "what a slow watcher missed is left out");
    assert!(stream.next().now_or_never().is_none(), "nothing has changed since");
    life.stop();
    assert!(stream.next().await.is_none());
}
