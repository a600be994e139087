//! The commit of a charge goes on beside that of the answer.

use std::future::Future;

use serde_json::json;

use crate::agent::Act;
use crate::mesh::{Doomed, Mesh, Message, SHORT_LEASE, agents, eventually, world};

/// How many charges are stored as owed.
async fn owed(database: &chassis::Database) -> i64 {
    let sql = "SELECT COUNT(*) FROM turn_settlements";
    // Before the first turn there may be no table.
    sqlx::query_scalar(sql).fetch_one(&database.pool).await.unwrap_or_default()
}

fn until_owed(database: &chassis::Database, count: i64) -> impl Future<Output = ()> {
    eventually(async move || (owed(database).await == count).then_some(()))
}

#[tokio::test]
async fn a_charge_that_was_not_committed_when_its_router_died_is_repeated_as_it_was_decided() {
    let database = chassis::testing::postgres().await;
    let url = database.url().to_owned();
    let agents = agents().await;
    let usage = json!({"model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.00036});
    let answer = json!({"content": "ok", "workflow_complete": false, "usage": usage});
    agents[0].always(Act::Answer(answer));
    let world = world(&agents);
    world.money.trap.set("confirm");
    let message = Message::new("ann", "sales please");
    let doomed = Doomed::new();
    doomed.begin(database, &world, &message);
    world.money.trap.caught().await;
    let database = chassis::Database::postgres(&url, 4).await.unwrap();
    until_owed(&database, 1).await;
    doomed.die();
    assert_eq!((world.money.spent(), world.money.open().len()), (0, 1), "nothing is committed");

    let mesh = Mesh::on(database.clone(), &world, &[SHORT_LEASE]).await;
    let told = mesh.say(&message).await;
    assert!(told.is_replay(), "the answer was stored");
    eventually(async || world.money.open().is_empty().then_some(())).await;
    let settled = world.money.settled();
    assert_eq!((settled.len(), world.money.spent()), (1, 360));
    let usage = settled[0].usage.clone().expect("what the agent said it used");
    assert_eq!((usage.input_tokens, settled[0].estimated), (10, false));
    assert_eq!(agents[0].memory().calls.len(), 1);
    until_owed(&database, 0).await;
}

#[tokio::test]
async fn an_answer_does_not_wait_for_ever_for_the_commit_of_its_charge() {
    let agents = agents().await;
    let world = world(&agents);
    world.money.trap.set("confirm");
    let mesh = Mesh::start(&world, &[]).await;
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    assert_eq!(told.body()["usage"]["cost_usd"], 0.001, "what was decided");
    assert_eq!(world.money.spent(), 0);
    eventually(async || (world.money.spent() == 1_000).then_some(())).await;
    assert!(world.money.open().is_empty());
}

#[tokio::test]
async fn a_charge_that_is_confirmed_is_forgotten() {
    for database in chassis::testing::databases().await {
        let agents = agents().await;
        let mesh = Mesh::on(database.clone(), &world(&agents), &[]).await;
        mesh.say(&Message::new("ann", "sales please")).await.body();
        assert_eq!(mesh.world.money.spent(), 1_000, "the answer comes after the commit");
        until_owed(&database, 0).await;
        assert_eq!(mesh.world.money.settled().len(), 1, "and nothing is settled twice");
    }
}
