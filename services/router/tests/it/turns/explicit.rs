//! Handoffs that somebody asks for outside any message.

use proto::v1::{TriggerHandoffRequest, TriggerHandoffResponse};
use serde_json::{Value, json};

use crate::agent::Act;
use crate::mesh::{Mesh, Message, agents, context, world};

async fn hand_over(mesh: &Mesh, message: &Message, session_id: &str) -> TriggerHandoffResponse {
    let request = TriggerHandoffRequest {
        context: Some(context(message)),
        session_id: session_id.to_owned(),
        reason: "the shift ends".to_owned(),
        target_agent: "support".to_owned(),
        ..TriggerHandoffRequest::default()
    };
    mesh.client().trigger_handoff(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_handoff_can_be_asked_for_outside_any_message() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let session_id = body["session_id"].as_str().unwrap();
    mesh.world.porter.accept("support");
    let message = Message::new("ann", "");
    let response = hand_over(&mesh, &message, session_id).await;
    assert!(response.success);
    assert_eq!(
        (response.from_agent.as_str(), response.receiving_agent.as_str()),
        ("sales", "support")
    );
    assert_eq!(hand_over(&mesh, &message, session_id).await, response, "once per request");
    assert_eq!(mesh.world.porter.completed().len(), 1);
    assert!(agents[1].memory().calls.is_empty(), "without an answer");
    let next = mesh.say(&Message::new("ann", "hello")).await.body();
    assert_eq!(next["agent_id"], "support");
    let heard = &agents[1].memory().calls[0].arguments;
    assert_eq!(heard["handoff"]["handoff_id"], response.handoff_id.as_str());
    assert_eq!(heard["turn_history"], json!([]));

    mesh.world.porter.refuse("no_match", "");
    let response = hand_over(&mesh, &Message::new("ann", ""), session_id).await;
    assert!(!response.success);
    assert_eq!(response.rejection_reason, "no_match");
    mesh.world.porter.go_down();
    let response = hand_over(&mesh, &Message::new("ann", ""), session_id).await;
    assert_eq!(response.rejection_reason, "unexpected_error");
    let next = mesh.say(&Message::new("ann", "still there?")).await.body();
    assert_eq!(next["agent_id"], "support", "the current agent goes on");
}

#[tokio::test]
async fn every_agent_keeps_a_state_of_its_own() {
    let agents = agents().await;
    let with_state = |state: Value| {
        Act::Answer(json!({"content": "ok", "workflow_complete": false, "workflow_state": state}))
    };
    agents[0].next(with_state(json!({"cart": 2})));
    agents[1].always(with_state(json!({"parcel": 7})));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let session_id = body["session_id"].as_str().unwrap();
    mesh.world.porter.accept("support");
    hand_over(&mesh, &Message::new("ann", ""), session_id).await;
    mesh.say(&Message::new("ann", "where is it")).await;
    mesh.say(&Message::new("ann", "and now")).await;
    mesh.world.porter.accept("sales");
    mesh.say(&Message::new("ann", "let me speak to a manager")).await;
    let heard = agents[1].memory().calls;
    assert_eq!(heard[0].arguments["workflow_state"], json!({}), "not that of another agent");
    assert_eq!(heard[1].arguments["workflow_state"], json!({"parcel": 7}));
    let heard = agents[0].memory().calls;
    assert_eq!(heard[1].arguments["workflow_state"], json!({"cart": 2}), "kept meanwhile");
}
