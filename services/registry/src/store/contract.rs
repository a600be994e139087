//! What every store has to keep, put to each of them.

use std::sync::Arc;
use std::time::Duration;

use super::*;

const LONG_MS: i64 = 60_000;
const SHORT_MS: i64 = 30;
/// How many ask for a slot at once.
const RUSH: usize = 100;
/// How long a test waits for a slot to end.
const PATIENCE: Duration = Duration::from_secs(10);

async fn stores() -> [(&'static str, Arc<dyn Store>); 2] {
    let shared = Shared::new(chassis::testing::redis().await);
    [("memory", Arc::new(Memory::default())), ("redis", Arc::new(shared))]
}

fn claim(holder: &str, ttl_ms: i64) -> Claim<'_> {
    Claim { agent_id: "sales", holder, ttl_ms }
}

fn granted(load: i64) -> Grant {
    Grant { is_granted: true, load }
}

fn released(load: i64) -> Release {
    Release { is_released: true, load }
}

async fn load_of_sales(store: &Arc<dyn Store>) -> i64 {
    let occupancy = store.occupancy(&["sales".to_owned()]).await.unwrap();
    occupancy.loads.get("sales").copied().unwrap_or(0)
}

/// Waits until the load is as expected, by asking.
async fn until_load(store: &Arc<dyn Store>, expected: i64) {
    let reached = async {
        while load_of_sales(store).await != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("the slots end by themselves");
}

#[tokio::test]
async fn a_limit_is_kept_and_a_holder_counts_once() {
    for (name, store) in stores().await {
        assert_eq!(
            store.acquire(claim("a", LONG_MS), Some(2)).await.unwrap(),
            granted(1),
            "{name}"
        );
        assert_eq!(
            store.acquire(claim("a", LONG_MS), Some(2)).await.unwrap(),
            granted(1),
            "{name}"
        );
        assert_eq!(
            store.acquire(claim("b", LONG_MS), Some(2)).await.unwrap(),
            granted(2),
            "{name}"
        );
        let refused = Grant { is_granted: false, load: 2 };
        assert_eq!(store.acquire(claim("c", LONG_MS), Some(2)).await.unwrap(), refused, "{name}");
        assert_eq!(
            store.acquire(claim("b", LONG_MS), Some(2)).await.unwrap(),
            granted(2),
            "{name}"
        );
        assert_eq!(store.acquire(claim("c", LONG_MS), None).await.unwrap(), granted(3), "{name}");
        let other = Claim { agent_id: "support", ..claim("c", LONG_MS) };
        assert_eq!(store.acquire(other, Some(1)).await.unwrap(), granted(1), "{name}");
    }
}

#[tokio::test]
async fn a_released_slot_is_free_and_releasing_twice_is_harmless() {
    for (name, store) in stores().await {
        store.acquire(claim("a", LONG_MS), Some(1)).await.unwrap();
        assert_eq!(store.release("sales", "a").await.unwrap(), released(0), "{name}");
        let nothing = Release { is_released: false, load: 0 };
        assert_eq!(store.release("sales", "a").await.unwrap(), nothing, "{name}");
        assert_eq!(store.release("nobody", "a").await.unwrap(), nothing, "{name}");
        assert_eq!(
            store.acquire(claim("b", LONG_MS), Some(1)).await.unwrap(),
            granted(1),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_slot_is_handed_over_in_one_step_that_may_be_repeated() {
    for (name, store) in stores().await {
        store.acquire(claim("handoff", LONG_MS), Some(1)).await.unwrap();
        for _ in 0..2 {
            let handed = store.hand_over("handoff", claim("session", LONG_MS)).await.unwrap();
            assert_eq!(handed, released(1), "{name}");
        }
        let refused = Grant { is_granted: false, load: 1 };
        assert_eq!(store.acquire(claim("x", LONG_MS), Some(1)).await.unwrap(), refused, "{name}");
        let nothing = Release { is_released: false, load: 1 };
        let handed = store.hand_over("handoff", claim("other", LONG_MS)).await.unwrap();
        assert_eq!(handed, nothing, "{name}: there was nothing left to hand over");
        assert_eq!(store.release("sales", "session").await.unwrap(), released(0), "{name}");
    }
}

#[tokio::test]
async fn a_slot_ends_by_itself_unless_it_is_renewed() {
    for (name, store) in stores().await {
        store.acquire(claim("short", SHORT_MS), Some(2)).await.unwrap();
        store.acquire(claim("renewed", SHORT_MS), Some(2)).await.unwrap();
        store.acquire(claim("renewed", LONG_MS), Some(2)).await.unwrap();
        until_load(&store, 1).await;
        assert_eq!(
            store.acquire(claim("next", LONG_MS), Some(2)).await.unwrap(),
            granted(2),
            "{name}"
        );
        let late = store.hand_over("short", claim("heir", LONG_MS)).await.unwrap();
        assert_eq!(late, Release { is_released: false, load: 2 }, "{name}");
    }
}

#[tokio::test]
async fn what_is_declared_is_kept_and_replaced() {
    use Availability::{Available, Away, Busy};
    for (name, store) in stores().await {
        assert_eq!(store.declare("sales", Busy).await.unwrap(), Available, "{name}");
        assert_eq!(store.declare("sales", Away).await.unwrap(), Busy, "{name}");
        assert_eq!(store.declare("support", Busy).await.unwrap(), Available, "{name}");
        let asked = ["sales".to_owned(), "desk".to_owned()];
        let occupancy = store.occupancy(&asked).await.unwrap();
        assert_eq!(occupancy.declared, [("sales".to_owned(), Away)].into(), "{name}");
        assert_eq!(store.declare("sales", Available).await.unwrap(), Away, "{name}");
        assert_eq!(store.occupancy(&asked).await.unwrap(), Occupancy::default(), "{name}");
    }
}

#[tokio::test]
async fn many_agents_are_looked_up_at_once() {
    for (name, store) in stores().await {
        let agent_ids: Vec<_> = (0..1_200).map(|number| format!("agent-{number}")).collect();
        for agent_id in [&agent_ids[0], &agent_ids[1_199]] {
            let claim = Claim { agent_id, ..claim("a", LONG_MS) };
            store.acquire(claim, None).await.unwrap();
            store.declare(agent_id, Availability::Busy).await.unwrap();
        }
        let occupancy = store.occupancy(&agent_ids).await.unwrap();
        let expected: BTreeMap<_, _> =
            [(agent_ids[0].clone(), 1), (agent_ids[1_199].clone(), 1)].into();
        assert_eq!(occupancy.loads, expected, "{name}");
        assert_eq!(occupancy.declared.len(), 2, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_a_rush_exactly_as_many_slots_are_granted_as_there_are() {
    for (name, store) in stores().await {
        let rush = (0..RUSH).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let holder = format!("session-{number}");
                store.acquire(claim(&holder, LONG_MS), Some(10)).await.unwrap()
            })
        });
        let mut count = 0;
        for grant in futures::future::try_join_all(rush).await.unwrap() {
            assert!(grant.load <= 10, "{name}: {grant:?}");
            count += i32::from(grant.is_granted);
        }
        assert_eq!(count, 10, "{name}");
        assert_eq!(load_of_sales(&store).await, 10, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn holders_who_come_and_go_are_never_more_than_there_are_slots() {
    for (name, store) in stores().await {
        let rush = (0..RUSH).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let holder = format!("handoff-{number}");
                let heir = format!("session-{number}");
                let grant = store.acquire(claim(&holder, LONG_MS), Some(5)).await.unwrap();
                let mut loads = vec![grant.load];
                if grant.is_granted {
                    let handed = store.hand_over(&holder, claim(&heir, LONG_MS)).await.unwrap();
                    assert!(handed.is_released, "{name}: {heir}");
                    let freed = store.release("sales", &heir).await.unwrap();
                    loads.extend([handed.load, freed.load]);
                }
                loads
            })
        });
        let loads = futures::future::try_join_all(rush).await.unwrap().concat();
        assert!(loads.iter().all(|load| (0..=5).contains(load)), "{name}: {loads:?}");
        assert_eq!(load_of_sales(&store).await, 0, "{name}: everybody has gone");
    }
}

/// A fixed sequence of numbers that looks like none.
fn scrambled(step: u64) -> u64 {
    step.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[tokio::test]
async fn both_stores_answer_the_same_to_any_sequence() {
    let [(_, memory), (_, redis)] = stores().await;
    let agents = ["sales", "support"];
    let holders = ["a", "b", "c", "d"];
    for step in 0..600 {
        let dice = scrambled(step);
        let pick = |shift: u32, count: usize| (dice >> shift) as usize % count;
        let claim =
            Claim { agent_id: agents[pick(8, 2)], holder: holders[pick(16, 4)], ttl_ms: LONG_MS };
        let max = [None, Some(1), Some(2), Some(3)][pick(24, 4)];
        let from = holders[pick(32, 4)];
        let message = format!("step {step}: {claim:?}, {max:?}, from {from}");
        match pick(40, 4) {
            0 => assert_eq!(
                memory.release(claim.agent_id, from).await.unwrap(),
                redis.release(claim.agent_id, from).await.unwrap(),
                "{message}"
            ),
            1 => assert_eq!(
                memory.hand_over(from, claim).await.unwrap(),
                redis.hand_over(from, claim).await.unwrap(),
                "{message}"
            ),
            _ => assert_eq!(
                memory.acquire(claim, max).await.unwrap(),
                redis.acquire(claim, max).await.unwrap(),
                "{message}"
            ),
        }
    }
    let agent_ids = agents.map(str::to_owned);
    let expected = memory.occupancy(&agent_ids).await.unwrap();
    assert_eq!(redis.occupancy(&agent_ids).await.unwrap(), expected);
}
