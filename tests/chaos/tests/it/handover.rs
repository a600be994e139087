//! The handoff service dies in every state of a transfer, and another one comes after it.

use chaos::check;
use chaos::user::{Story, deliver};
use futures::StreamExt as _;
use serde_json::json;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::world::{Plan, World, message};

/// How many cases run side by side.
const AT_ONCE: usize = 5;
/// However long it is away, the router is not taken for dead.
const PLAN: Plan = Plan { passes_on: true, lease_ms: 10_000, is_handoff_apart: true };

/// Where the service is stopped.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// In this call, which is held.
    Call(&'static str),
    /// In the commit by which the transfer enters this state.
    Commit(&'static str),
}

/// What becomes of the transfer.
#[derive(Clone, Copy, Debug)]
struct Case {
    stop: Stop,
    /// What is stored when the service dies, if anything is.
    stored: Option<&'static str>,
    /// What is stored in the end.
    end: Option<&'static str>,
    /// Who answers the customer.
    speaker: &'static str,
}

/// Before anybody has accepted, the source goes on and time ends the transfer.
const fn lost(stop: Stop, stored: &'static str) -> Case {
    Case { stop, stored: Some(stored), end: Some("expired"), speaker: "support" }
}

/// Then the receiver answers, and the switch is completed as soon as somebody can.
const fn kept(stop: Stop) -> Case {
    Case { stop, stored: Some("accepted"), end: Some("completed"), speaker: "sales" }
}

const CASES: [Case; 9] = [
    Case { stop: Stop::Commit("started"), stored: None, end: None, speaker: "support" },
    lost(Stop::Commit("compressed"), "started"),
    lost(Stop::Commit("offered"), "compressed"),
    lost(Stop::Call("sales accept_handoff"), "offered"),
    // The receiver has said yes, and nobody knows.
    lost(Stop::Commit("accepted"), "offered"),
    // The switch is not committed yet; it is.
    kept(Stop::Call("sales handle_message")),
    kept(Stop::Call("ReleaseSlot")),
    kept(Stop::Call("ReleaseSlot done")),
    // The slots are the session's already.
    kept(Stop::Commit("completed")),
];

#[tokio::test]
async fn the_handoff_service_may_die_in_every_state_of_a_transfer() {
    let cases = futures::stream::iter(CASES).map(die_and_go_on);
    cases.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn die_and_go_on(case: Case) {
    let world = World::start(PLAN).await;
    let _router = world.router(0).await;
    let mut first = world.handoff().await;
    let lock = match case.stop {
        Stop::Call(name) => {
            world.trap.set(name);
            None
        }
        Stop::Commit(state) => Some(bar(&world, state).await),
    };
    let asked = {
        let client = world.client.clone();
        tokio::spawn(async move { deliver(&client, &message("ann", 1), 0).await })
    };
    match &lock {
        None => world.trap.caught().await,
        Some(_) => world.until_somebody_waits().await,
    }
    let stored: Vec<_> = case.stored.into_iter().collect();
    assert_eq!(states(&world).await, stored, "{case:?}");
    first.kill().await.unwrap();
    if let Some(lock) = lock {
        lock.rollback().await.unwrap();
    }
    let _second = world.handoff().await;
    world.trap.open();
    judge(&world, case, asked.await.unwrap()).await;
}

/// Lets no transfer enter a state as long as the transaction is open.
async fn bar(world: &World, state: &str) -> Transaction<'static, Any> {
    let function = "CREATE FUNCTION bar() RETURNS trigger LANGUAGE plpgsql AS \
                    $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$";
    let trigger = format!(
        "CREATE TRIGGER bar BEFORE INSERT OR UPDATE ON handoffs FOR EACH ROW \
         WHEN (NEW.state = '{state}') EXECUTE FUNCTION bar()"
    );
    for statement in [function.to_owned(), trigger] {
        sqlx::query(AssertSqlSafe(statement)).execute(&world.database.pool).await.unwrap();
    }
    let mut lock = world.transaction().await;
    let hold = sqlx::query("DO $$ BEGIN PERFORM pg_advisory_xact_lock(1); END $$");
    hold.execute(&mut *lock).await.unwrap();
    lock
}

/// The states of all transfers, the first one first.
async fn states(world: &World) -> Vec<String> {
    let sql = "SELECT state FROM handoffs ORDER BY created_ms";
    sqlx::query_scalar(sql).fetch_all(&world.database.pool).await.unwrap()
}

async fn judge(world: &World, case: Case, story: Story) {
    assert_eq!(story.ending.status, 200, "{case:?}: {}", story.ending.text);
    assert_eq!(story.ending.text_at("agent_id"), case.speaker, "{case:?}: {}", story.ending.text);
    let is_switched = case.speaker == "sales";
    let handoffs = story.ending.body["handoffs"].as_array().unwrap().len();
    assert_eq!(handoffs, usize::from(is_switched), "{case:?}: {}", story.ending.text);
    // Who has the session still passes everybody on; who was given it does not.
    let next = deliver(&world.client, &message("ann", 2), 0).await;
    assert_eq!(next.ending.text_at("agent_id"), "sales", "{case:?}: {}", next.ending.text);
    assert_eq!(next.ending.body["session_id"], story.ending.body["session_id"], "{case:?}");
    assert_eq!(next.ending.body["handoffs"] == json!([]), is_switched, "{case:?}");
    let evidence = world.evidence(vec![story, next]).await;
    assert_eq!(check::all(&evidence).await.unwrap(), [], "{case:?}");
    let again = (!is_switched).then_some("completed");
    let expected: Vec<_> = case.end.into_iter().chain(again).collect();
    assert_eq!(states(world).await, expected, "{case:?}");
}
