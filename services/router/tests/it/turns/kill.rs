//! A router dies at each step of a turn, and another takes over.

use serde_json::json;

use crate::agent::{Act, Agent};
use crate::mesh::{Doomed, Mesh, Message, SHORT_LEASE, World, agents, eventually, world};

/// At which step the router dies, and what its turn comes to.
#[derive(Clone, Copy, Debug)]
struct Case {
    at: &'static str,
    /// What the session has heard once the same request was made again.
    said: &'static [&'static str],
    /// Who has the session then.
    active: &'static str,
    /// How often sales was called.
    calls: usize,
    /// What was spent, in charges.
    charges: i64,
}

const ASKS: &str = "Let me pass you on.";
const WORDS: &str = "sales please";

const CASES: [Case; 6] = [
    // Nothing had happened but the acceptance.
    Case { at: "classify", said: &[WORDS, ASKS, "ok"], active: "support", calls: 1, charges: 2 },
    // The money was not held yet.
    Case { at: "reserve", said: &[WORDS, ASKS, "ok"], active: "support", calls: 1, charges: 2 },
    // The agent may have billed its answer, which is lost.
    Case { at: "dispatch", said: &[WORDS, ASKS, "ok"], active: "support", calls: 2, charges: 3 },
    Case { at: "settle", said: &[WORDS, ASKS, "ok"], active: "support", calls: 2, charges: 3 },
    // The first answer is stored, and stands.
    Case { at: "transfer", said: &[WORDS, ASKS], active: "sales", calls: 1, charges: 1 },
    // The switch is stored, and stands.
    Case { at: "complete", said: &[WORDS, ASKS, "ok"], active: "support", calls: 1, charges: 2 },
];

#[tokio::test]
async fn a_router_may_die_at_any_step() {
    futures::future::join_all(CASES.map(die_and_recover)).await;
}

async fn die_and_recover(case: Case) {
    let database = chassis::testing::postgres().await;
    let url = database.url().to_owned();
    let agents = agents().await;
    let asks = json!({"content": ASKS, "workflow_complete": false,
                      "handoff": {"reason": "r", "target_agent": "support"}});
    let world = world(&agents);
    for _ in 0..2 {
        world.porter.accept("support");
    }
    world.mind.trap.set(case.at);
    world.money.trap.set(case.at);
    world.porter.trap.set(case.at);
    if case.at == "dispatch" {
        agents[0].next(Act::Hang);
    }
    agents[0].always(Act::Answer(asks));
    let message = Message::new("ann", WORDS);
    let doomed = Doomed::new();
    doomed.begin(database, &world, &message);
    caught(case, &world, &agents).await;
    doomed.die();
    let database = chassis::Database::postgres(&url, 4).await.unwrap();
    let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
    check(case, &mesh, &message, &agents).await;
}

async fn caught(case: Case, world: &World, agents: &[Agent; 3]) {
    match case.at {
        "classify" => world.mind.trap.caught().await,
        "reserve" | "settle" => world.money.trap.caught().await,
        "transfer" | "complete" => world.porter.trap.caught().await,
        _ => drop(agents[0].until(|memory| memory.calls.len() == 1).await),
    }
}

async fn check(case: Case, mesh: &Mesh, message: &Message, agents: &[Agent; 3]) {
    let told = mesh.say(message).await;
    let body = told.body();
    let session_id = body["session_id"].as_str().unwrap().to_owned();
    let session = mesh.session("ann", &session_id).await;
    let said: Vec<_> = session.turns.iter().map(|entry| entry.content.as_str()).collect();
    assert_eq!(said, case.said, "{case:?}: nothing is lost, nothing is said twice");
    assert_eq!(session.active_agent, case.active, "{case:?}");
    assert_eq!(agents[0].memory().calls.len(), case.calls, "{case:?}");
    let money = &mesh.world.money;
    eventually(async || money.open().is_empty().then_some(())).await;
    eventually(async || (case.charges * 1_000 <= money.spent()).then_some(())).await;
    assert_eq!(money.spent(), case.charges * 1_000, "{case:?}");
    let porter = &mesh.world.porter;
    match case.active {
        "support" => drop(eventually(async || porter.completed().first().cloned()).await),
        _ => assert!(porter.completed().is_empty(), "{case:?}"),
    }
    assert_eq!(mesh.say(message).await.text(), told.text(), "{case:?}: the same for ever");
    agents[0].always(Act::Answer(json!({"content": "fine", "workflow_complete": false})));
    let next = mesh.say(&Message::new("ann", "go on")).await;
    assert_eq!(next.body()["agent_id"], case.active, "{case:?}: the session is usable");
}

#[tokio::test]
async fn the_place_that_a_dead_router_took_for_a_turn_is_free_again() {
    let database = chassis::testing::postgres().await;
    let url = database.url().to_owned();
    let agents = agents().await;
    agents[0].next(Act::Hang);
    let world = world(&agents);
    let message = Message::new("ann", WORDS);
    let doomed = Doomed::new();
    doomed.begin(database, &world, &message);
    agents[0].until(|memory| memory.calls.len() == 1).await;
    doomed.die();
    // The second attempt goes elsewhere.
    world.mind.go_down();
    let database = chassis::Database::postgres(&url, 4).await.unwrap();
    let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
    let body = mesh.say(&message).await.body();
    assert_eq!(body["agent_id"], "default-agent");
    let session_id = body["session_id"].as_str().unwrap().to_owned();
    assert_eq!(world.directory.slots(), [("default-agent".to_owned(), session_id)]);
}
