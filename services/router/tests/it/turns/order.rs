use serde_json::json;

use crate::agent::Act;
use crate::mesh::{Mesh, Message, agents, eventually, world};

#[tokio::test]
async fn parallel_first_messages_share_one_session_and_wait_for_each_other() {
    let agents = agents().await;
    agents[0].always(Act::Hold(json!({"content": "ok", "workflow_complete": false})));
    let mesh = Mesh::start(&world(&agents), &[("SESSION_QUEUE_MAX", "8")]).await;
    let messages: Vec<_> = (0..20).map(|n| Message::new("ann", &format!("sales {n}"))).collect();
    let release = async {
        agents[0].until(|memory| memory.calls.len() == 1).await;
        eventually(async || {
            let mut client = mesh.client();
            let listed = client.list_sessions(proto::v1::ListSessionsRequest {
                context: Some(crate::mesh::context(&messages[0])),
                ..Default::default()
            });
            let sessions = listed.await.unwrap().into_inner().sessions;
            (sessions.first()?.turn_count == 9).then_some(())
        })
        .await;
        agents[0].release();
    };
    let all = futures::future::join_all(messages.iter().map(|message| mesh.say(message)));
    let (told, ()) = tokio::join!(all, release);
    let (answered, refused): (Vec<_>, Vec<_>) =
        told.iter().partition(|told| told.refused.is_none());
    assert_eq!((answered.len(), refused.len()), (9, 11));
    for told in refused {
        let fault = chassis::fault::Fault::of(told.refused.as_ref().unwrap());
        assert_eq!((fault.code.as_str(), fault.retry_after_s), ("session_busy", Some(1)));
    }
    let id = answered[0].body()["session_id"].as_str().unwrap().to_owned();
    assert!(answered.iter().all(|told| told.body()["session_id"] == id.as_str()));
    let memory = agents[0].memory();
    assert_eq!((memory.calls.len(), memory.busiest), (9, 1), "one at a time");
    let turns = mesh.session("ann", &id).await.turns;
    let roles: Vec<_> = turns.iter().map(|entry| entry.role.as_str()).collect();
    assert_eq!(roles, ["user", "agent"].repeat(9), "no entry is lost or out of place");
    let asked: Vec<_> = memory.calls.iter().map(|call| &call.arguments["raw_input"]).collect();
    let said: Vec<_> = turns.iter().step_by(2).map(|entry| json!(entry.content)).collect();
    assert_eq!(asked, said.iter().collect::<Vec<_>>(), "in the order of acceptance");
}

#[tokio::test]
async fn a_turn_can_be_cancelled_while_it_waits() {
    let agents = agents().await;
    agents[0].always(Act::Hold(json!({"content": "ok", "workflow_complete": false})));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let (first, second) = (Message::new("ann", "sales one"), Message::new("ann", "sales two"));
    let others = async {
        agents[0].until(|memory| memory.calls.len() == 1).await;
        let cancel = eventually(async || mesh.cancel(&second).await.then_some(()));
        let (told, ()) = tokio::join!(mesh.say(&second), cancel);
        assert_eq!(told.code(), "cancelled");
        agents[0].release();
    };
    let (told, ()) = tokio::join!(mesh.say(&first), others);
    assert_eq!(told.body()["agent_id"], "sales");
    assert_eq!(agents[0].memory().calls.len(), 1);
}

#[tokio::test]
async fn a_turn_that_waits_too_long_fails_and_the_session_goes_on() {
    let url = chassis::testing::postgres_url().await;
    let agents = agents().await;
    agents[0].always(Act::Hold(json!({"content": "ok", "workflow_complete": false})));
    let world = world(&agents);
    let open = async || chassis::Database::postgres(&url, 4).await.unwrap();
    let patient = Mesh::on(open().await, &world, &[]).await;
    let hasty = Mesh::on(open().await, &world, &[("TURN_TIMEOUT_MS", "1000")]).await;
    let first = Message::new("ann", "sales one");
    let second = Message::new("ann", "sales two");
    let others = async {
        agents[0].until(|memory| memory.calls.len() == 1).await;
        assert_eq!(hasty.say(&second).await.code(), "turn_timeout");
        let repeated = hasty.say(&first).await.refused.unwrap();
        let code = chassis::fault::Fault::of(&repeated).code;
        assert_eq!(code, "request_in_progress", "nobody waits for ever");
        agents[0].release();
    };
    let (told, ()) = tokio::join!(patient.say(&first), others);
    assert_eq!(told.body()["agent_id"], "sales");
    let again = patient.say(&second).await;
    assert_eq!(again.body()["agent_id"], "sales", "it may be asked again");
    assert_eq!(agents[0].memory().calls.len(), 2);
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_stop_the_turn() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message::new("ann", "sales please");
    mesh.say_and_leave(&message).await;
    let again = mesh.say(&message).await;
    assert_eq!(again.body()["agent_id"], "sales");
    assert_eq!(agents[0].memory().calls.len(), 1);
}

#[tokio::test]
async fn a_process_that_ends_finishes_its_turns_and_takes_no_more() {
    let agents = agents().await;
    agents[0].always(Act::Hold(json!({"content": "ok", "workflow_complete": false})));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message::new("ann", "sales please");
    let end = async {
        agents[0].until(|memory| memory.calls.len() == 1).await;
        mesh.life.stop();
        let refused = mesh.say(&Message::new("bob", "sales")).await.refused.unwrap();
        assert_eq!(chassis::fault::Fault::of(&refused).code, "shutting_down");
        agents[0].release();
    };
    let (told, ()) = tokio::join!(mesh.say(&message), end);
    assert_eq!(told.body()["agent_id"], "sales");
    mesh.life.finished().await;
}
