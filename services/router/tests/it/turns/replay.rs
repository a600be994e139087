use chassis::fault::Fault;
use serde_json::json;

use crate::agent::Act;
use crate::mesh::{Mesh, Message, agents, world};

#[tokio::test]
async fn a_finished_request_is_answered_from_what_is_stored() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message::new("ann", "sales please");
    let first = mesh.say(&message).await;
    let again = mesh.say(&message).await;
    assert_eq!(again.text(), first.text(), "byte for byte");
    assert_eq!(again.names(), ["accepted", "result"]);
    assert!(again.is_replay() && !first.is_replay());
    assert_eq!(agents[0].memory().calls.len(), 1, "one call");
    assert_eq!(mesh.world.money.settled().len(), 1, "one charge");
    let other = Message { input: "sales, but other".to_owned(), ..message.clone() };
    let refused = mesh.say(&other).await.refused.unwrap();
    assert_eq!(Fault::of(&refused).code, "idempotency_conflict");
    let stranger = Message { user_id: "bob".to_owned(), ..message };
    assert!(!mesh.say(&stranger).await.is_replay(), "an id is its owner's own");
}

#[tokio::test]
async fn a_request_that_still_runs_is_waited_for() {
    let agents = agents().await;
    agents[0].always(Act::Hold(json!({"content": "ok", "workflow_complete": false})));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message::new("ann", "sales please");
    let second = async {
        agents[0].until(|memory| memory.calls.len() == 1).await;
        let second = mesh.say(&message);
        let release = async { agents[0].release() };
        tokio::join!(second, release).0
    };
    let (first, second) = tokio::join!(mesh.say(&message), second);
    assert_eq!(first.text(), second.text());
    assert!(second.is_replay());
    assert_eq!(agents[0].memory().calls.len(), 1);
}
