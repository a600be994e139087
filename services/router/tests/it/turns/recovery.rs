use chassis::testing::databases;
use serde_json::json;

use crate::agent::Act;
use crate::mesh::{Doomed, Mesh, Message, SHORT_LEASE, agents, eventually, world};

#[tokio::test]
async fn a_turn_whose_router_died_is_interrupted_and_can_be_run_again() {
    let database = chassis::testing::postgres().await;
    let url = database.url().to_owned();
    let agents = agents().await;
    agents[0].next(Act::Hang);
    let world = world(&agents);
    let message = Message::new("ann", "sales please");
    let doomed = Doomed::new();
    doomed.begin(database, &world, &message);
    agents[0].until(|memory| memory.calls.len() == 1).await;
    doomed.die();

    let database = chassis::Database::postgres(&url, 4).await.unwrap();
    let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
    let told = mesh.say(&message).await;
    assert_eq!(told.body()["agent_id"], "sales", "the same request runs a second attempt");
    let keys: Vec<_> = agents[0].memory().calls;
    let keys: Vec<_> = keys.iter().map(|call| call.header("idempotency-key").to_owned()).collect();
    assert!(keys[0].ends_with("/1/0") && keys[1].ends_with("/2/0"), "{keys:?}");
    eventually(async || world.money.open().is_empty().then_some(())).await;
    assert_eq!(world.money.spent(), 2_000, "the agent may have billed the first");
    let first = world.money.settled().into_iter().find(|settled| settled.charge_id == keys[0]);
    assert!(first.unwrap().estimated);
    let session_id = told.body()["session_id"].as_str().unwrap().to_owned();
    let turns = mesh.session("ann", &session_id).await.turns;
    let said: Vec<_> = turns.iter().map(|entry| entry.content.as_str()).collect();
    assert_eq!(said, ["sales please", "ok"], "nothing is lost or said twice");
}

#[tokio::test]
async fn a_turn_whose_router_died_after_an_answer_ends_with_it() {
    let database = chassis::testing::postgres().await;
    let url = database.url().to_owned();
    let agents = agents().await;
    let asks = json!({"content": "So far.", "workflow_complete": false,
                      "handoff": {"reason": "r", "target_agent": "support"}});
    agents[0].next(Act::Answer(asks));
    agents[1].always(Act::Hang);
    let world = world(&agents);
    world.porter.accept("support");
    let message = Message::new("ann", "sales please");
    let doomed = Doomed::new();
    doomed.begin(database, &world, &message);
    agents[1].until(|memory| memory.calls.len() == 1).await;
    doomed.die();

    let database = chassis::Database::postgres(&url, 4).await.unwrap();
    let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
    let told = mesh.say(&message).await;
    assert!(told.is_replay());
    assert_eq!(told.body()["response"], "So far.");
    let session_id = told.body()["session_id"].as_str().unwrap().to_owned();
    assert_eq!(mesh.session("ann", &session_id).await.active_agent, "sales");
    eventually(async || (!world.porter.aborted().is_empty()).then_some(())).await;
    assert!(world.porter.completed().is_empty());
    eventually(async || world.money.open().is_empty().then_some(())).await;
    let next = mesh.say(&Message::new("ann", "go on")).await;
    assert_eq!(next.body()["agent_id"], "sales", "the session is usable");
}

#[tokio::test]
async fn a_turn_that_waited_with_a_dead_router_does_not_hold_up_the_session() {
    let database = chassis::testing::postgres().await;
    let url = database.url().to_owned();
    let agents = agents().await;
    agents[0].next(Act::Hang);
    let world = world(&agents);
    let (first, second) = (Message::new("ann", "sales one"), Message::new("ann", "sales two"));
    let doomed = Doomed::new();
    doomed.begin_both(database, &world, [&first, &second]);
    agents[0].until(|memory| memory.calls.len() == 1).await;
    let database = chassis::Database::postgres(&url, 4).await.unwrap();
    let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
    eventually(async || {
        let request = proto::v1::ListSessionsRequest {
            context: Some(crate::mesh::context(&first)),
            ..Default::default()
        };
        let sessions = mesh.client().list_sessions(request).await.unwrap().into_inner().sessions;
        (sessions.first()?.turn_count == 2).then_some(())
    })
    .await;
    doomed.die();
    let third = mesh.say(&Message::new("ann", "sales three")).await;
    assert_eq!(third.body()["agent_id"], "sales");
    let again = mesh.say(&second).await;
    assert_eq!(again.body()["agent_id"], "sales", "it may be asked again");
    let session_id = again.body()["session_id"].as_str().unwrap().to_owned();
    let turns = mesh.session("ann", &session_id).await.turns;
    let said: Vec<_> = turns.iter().map(|entry| entry.content.as_str()).collect();
    assert_eq!(said, ["sales one", "sales three", "ok", "sales two", "ok"]);
}

#[tokio::test]
async fn a_committed_switch_is_completed_later_when_it_could_not_be_told() {
    let agents = agents().await;
    let asks = json!({"content": "So far.", "workflow_complete": false,
                      "handoff": {"reason": "r", "target_agent": "support"}});
    agents[0].next(Act::Answer(asks));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    mesh.world.porter.accept("support");
    mesh.world.porter.refuse_completes(true);
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    assert_eq!(body["agent_id"], "support", "the user does not wait for it");
    mesh.world.porter.refuse_completes(false);
    let completed = eventually(async || mesh.world.porter.completed().first().cloned()).await;
    assert_eq!(completed.handoff_id, body["handoffs"][0]["handoff_id"].as_str().unwrap());
    assert_eq!(completed.agent_id, "support");
    assert!(mesh.world.porter.aborted().is_empty());
}

#[tokio::test]
async fn a_restart_keeps_sessions() {
    for database in databases().await {
        let agents = agents().await;
        let world = world(&agents);
        let first = Mesh::on(database.clone(), &world, &[]).await;
        let before = first.say(&Message::new("ann", "sales please")).await.body();
        first.stop().await;
        let second = Mesh::on(database, &world, &[]).await;
        let after = second.say(&Message::new("ann", "and in blue?")).await.body();
        assert_eq!(after["session_id"], before["session_id"]);
        assert_eq!(after["agent_id"], "sales");
        let history = &agents[0].memory().calls[1].arguments["turn_history"];
        assert_eq!(history.as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn two_routers_on_one_database_keep_every_session_in_order() {
    const SESSIONS: usize = 40;
    const TURNS: usize = 3;
    let url = chassis::testing::postgres_url().await;
    let agents = agents().await;
    let world = world(&agents);
    let mut routers = Vec::new();
    for _ in 0..2 {
        let database = chassis::Database::postgres(&url, 8).await.unwrap();
        routers.push(Mesh::on(database, &world, &[]).await);
    }
    let messages: Vec<_> = (0..SESSIONS * TURNS)
        .map(|n| Message::new(&format!("user-{}", n % SESSIONS), &format!("sales {n}")))
        .collect();
    let said = messages.iter().enumerate().map(|(n, message)| routers[n % 2].say(message));
    for told in futures::future::join_all(said).await {
        told.body();
    }
    for n in 0..SESSIONS {
        let user_id = format!("user-{n}");
        let request = proto::v1::ListSessionsRequest {
            context: Some(crate::mesh::context(&Message::new(&user_id, ""))),
            ..Default::default()
        };
        let sessions = routers[0].client().list_sessions(request).await.unwrap().into_inner();
        assert_eq!(sessions.sessions.len(), 1, "{user_id} has one session");
        let session = routers[1].session(&user_id, &sessions.sessions[0].session_id).await;
        let roles: Vec<_> = session.turns.iter().map(|entry| entry.role.as_str()).collect();
        assert_eq!(roles, ["user", "agent"].repeat(TURNS), "{user_id}");
    }
    assert_eq!(agents[0].memory().calls.len(), SESSIONS * TURNS);
}

#[tokio::test]
async fn a_turn_is_cancelled_through_another_router() {
    let url = chassis::testing::postgres_url().await;
    let agents = agents().await;
    agents[0].always(Act::Hang);
    let world = world(&agents);
    let open = async || chassis::Database::postgres(&url, 4).await.unwrap();
    let first = Mesh::on(open().await, &world, &[]).await;
    let second = Mesh::on(open().await, &world, &[]).await;
    let message = Message::new("ann", "sales please");
    let cancel = async {
        agents[0].until(|memory| memory.calls.len() == 1).await;
        assert!(second.cancel(&message).await);
    };
    let (told, ()) = tokio::join!(first.say(&message), cancel);
    assert_eq!(told.code(), "cancelled");
}
