//! The router dies at each step of a turn; or it stands still for so long that it is taken for dead.

use chaos::check;
use chaos::user::{Story, deliver};
use fleet::{Process, Signal};
use futures::StreamExt as _;
use serde_json::Value;
use sqlx::{Any, Transaction};

use crate::world::{Plan, World, message};

/// How many cases run side by side.
const AT_ONCE: usize = 4;
/// So that the dead are noticed soon.
const LEASE_MS: u32 = 1_000;

/// Where a router is stopped, and what the turn comes to.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// The call that is held.
    at: &'static str,
    /// Whether the router is let on from there into its store, and stopped in the middle of the commit.
    in_store: bool,
    /// Whether `support` passes the customer on to `sales`.
    passes_on: bool,
    /// How often `support` is called, at least and at most.
    calls: (usize, usize),
    /// Who may have the session then.
    active: &'static [&'static str],
}

const fn alone(at: &'static str, calls: usize) -> Case {
    let calls = (calls, calls);
    Case { at, in_store: false, passes_on: false, calls, active: &["support"] }
}

const fn passed(at: &'static str, active: &'static [&'static str]) -> Case {
    Case { at, in_store: false, passes_on: true, calls: (1, 1), active }
}

const CASES: [Case; 16] = [
    // Accepted, and nothing else.
    alone("Classify", 1),
    alone("Classify done", 1),
    // The money is not held yet; held, and the router does not know.
    alone("Reserve", 1),
    alone("Reserve done", 1),
    // The agent has not heard it yet; it may have billed its answer, which is lost.
    alone("support initialize", 1),
    alone("support handle_message", 2),
    alone("SettleEarly", 2),
    alone("SettleEarly done", 2),
    Case { in_store: true, calls: (1, 2), ..alone("support handle_message", 2) },
    // The first answer is stored, and stands.
    passed("Transfer", &["support"]),
    passed("sales accept_handoff", &["support"]),
    passed("Transfer done", &["support"]),
    passed("sales handle_message", &["support"]),
    Case { in_store: true, ..passed("sales handle_message", &["support", "sales"]) },
    // The switch is stored, and stands.
    passed("Complete", &["sales"]),
    passed("Complete done", &["sales"]),
];

/// How a router goes away, and who comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is killed, and started again.
    Restarted,
    /// It is killed, and another one is there.
    Succeeded,
    /// It stands still; when it goes on, another one has finished its turn.
    Replaced,
}

#[tokio::test]
async fn a_router_may_die_at_any_step_and_come_back() {
    all(Fate::Restarted).await;
}

#[tokio::test]
async fn a_router_may_die_at_any_step_and_be_succeeded_by_another() {
    all(Fate::Succeeded).await;
}

#[tokio::test]
async fn a_router_may_sleep_through_its_own_replacement_at_any_step() {
    all(Fate::Replaced).await;
}

async fn all(fate: Fate) {
    let cases = futures::stream::iter(CASES).map(|case| stop_and_go_on(case, fate));
    cases.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn stop_and_go_on(case: Case, fate: Fate) {
    let plan = Plan { passes_on: case.passes_on, lease_ms: LEASE_MS, is_handoff_apart: false };
    let world = World::start(plan).await;
    let mut first = world.router(0).await;
    world.trap.set(case.at);
    let said = message("ann", 1);
    let asked = {
        let (client, said) = (world.client.clone(), said.clone());
        tokio::spawn(async move { deliver(&client, &said, 0).await })
    };
    world.trap.caught().await;
    let lock = if case.in_store { Some(stop_in_store(&world).await) } else { None };
    let (story, survivor) = match fate {
        Fate::Restarted | Fate::Succeeded => {
            first.kill().await.unwrap();
            unlock(lock).await;
            let survivor = world.router(usize::from(fate == Fate::Succeeded)).await;
            (asked.await.unwrap(), survivor)
        }
        Fate::Replaced => {
            first.signal(Signal::STOP).unwrap();
            unlock(lock).await;
            let second = world.router(1).await;
            let story = deliver(&world.client, &said, 1).await;
            world.trap.open();
            first.signal(Signal::CONT).unwrap();
            let late = asked.await.unwrap();
            assert_eq!(late.ending.text, story.ending.text, "{case:?}: the sleeper says the same");
            (story, second)
        }
    };
    judge(&world, (case, fate), story).await;
    drop::<[Process; 2]>([first, survivor]);
}

/// Lets the held call go on, up to the commit that writes to the session.
async fn stop_in_store(world: &World) -> Transaction<'static, Any> {
    let mut lock = world.transaction().await;
    let rows = sqlx::query("SELECT session_id FROM sessions FOR UPDATE");
    assert_eq!(rows.fetch_all(&mut *lock).await.unwrap().len(), 1, "there is one session");
    world.trap.open();
    world.until_somebody_waits().await;
    lock
}

async fn unlock(lock: Option<Transaction<'static, Any>>) {
    if let Some(lock) = lock {
        lock.rollback().await.unwrap();
    }
}

async fn judge(world: &World, (case, fate): (Case, Fate), story: Story) {
    let which = format!("{case:?} {fate:?}");
    assert_eq!(story.ending.status, 200, "{which}: {}", story.ending.text);
    let speaker = story.ending.text_at("agent_id").to_owned();
    assert!(case.active.contains(&speaker.as_str()), "{which}: {}", story.ending.text);
    let (least, most) = case.calls;
    let bills = world.desks.bills();
    let calls = bills.keys().filter(|charge| charge.ends_with("/0")).count();
    // A sleeper may call before it finds out that it was replaced; its answer is not written.
    let most = if fate == Fate::Replaced { 2 } else { most };
    assert!((least..=most).contains(&calls), "{which}: {bills:?}");

    let next = deliver(&world.client, &message("ann", 2), 0).await;
    let session = |story: &Story| story.ending.text_at("session_id").to_owned();
    assert_eq!(session(&next), session(&story), "{which}: the session is usable");
    // A sleeper may have called after it.
    let calls = world.desks.calls();
    let is_next = |call: &&Value| call["request_id"] == next.message.request_id.as_str();
    let history = calls.iter().find(is_next).unwrap()["turn_history"].clone();
    let told = history.as_array().unwrap().last().map(|entry| entry["content"].clone());
    let told = told.unwrap_or_default();
    assert_eq!(told, story.ending.body["response"], "{which}: the next one knows the answer");
    if !case.passes_on {
        assert_eq!(next.ending.text_at("agent_id"), speaker, "{which}");
    }
    let evidence = world.evidence(vec![story, next]).await;
    assert_eq!(check::all(&evidence).await.unwrap(), [], "{which}");
}
