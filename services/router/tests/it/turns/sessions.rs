use chassis::fault::Fault;
use proto::v1::{
    AppendTurnRequest, CloseSessionRequest, CreateSessionRequest, GetSessionRequest,
    ResumeSessionRequest, UpdateWorkflowStateRequest,
};
use serde_json::json;

use crate::agent::Act;
use crate::mesh::{Mesh, Message, agents, context, eventually, world};

#[tokio::test]
async fn a_foreign_session_is_not_there() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let session_id = body["session_id"].as_str().unwrap().to_owned();
    let stranger =
        Message { session_ref: Some(session_id.clone()), ..Message::new("bob", "sales please") };
    let refused = mesh.say(&stranger).await.refused.unwrap();
    assert_eq!(Fault::of(&refused).code, "session_not_found");
    for by_reference in [false, true] {
        let request = GetSessionRequest {
            context: Some(context(&stranger)),
            session_id: session_id.clone(),
            any_owner: false,
            by_reference,
        };
        let refused = mesh.client().get_session(request).await.unwrap_err();
        assert_eq!(Fault::of(&refused).code, "session_not_found");
    }
    let request = CloseSessionRequest {
        context: Some(context(&stranger)),
        session_id: session_id.clone(),
        ..CloseSessionRequest::default()
    };
    let refused = mesh.client().close_session(request).await.unwrap_err();
    assert_eq!(Fault::of(&refused).code, "session_not_found");
    let request = GetSessionRequest {
        context: Some(context(&stranger)),
        session_id,
        any_owner: true,
        by_reference: false,
    };
    assert_eq!(mesh.client().get_session(request).await.unwrap().into_inner().user_id, "ann");
}

#[tokio::test]
async fn an_expired_session_is_abandoned_and_its_id_names_the_next() {
    let agents = agents().await;
    // About a third of a second.
    let mesh = Mesh::start(&world(&agents), &[("SESSION_TTL_MINUTES", "0.006")]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let old = body["session_id"].as_str().unwrap().to_owned();
    eventually(async || (mesh.session("ann", &old).await.status == "abandoned").then_some(()))
        .await;
    eventually(async || mesh.world.directory.slots().is_empty().then_some(())).await;
    let say = async || {
        let message = Message { session_ref: Some(old.clone()), ..Message::new("ann", "sales") };
        mesh.say(&message).await.body()["session_id"].as_str().unwrap().to_owned()
    };
    let new = say().await;
    assert_ne!(new, old);
    assert_eq!(say().await, new, "the old id finds the new session again");
}

#[tokio::test]
async fn a_session_is_closed_and_resumed() {
    let agents = agents().await;
    agents[0].always(Act::Answer(json!({"content": "ok", "workflow_complete": false,
                                        "workflow_state": {"cart": 2}})));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let id = body["session_id"].as_str().unwrap().to_owned();
    let close = async || {
        let request = CloseSessionRequest {
            context: Some(context(&Message::new("ann", ""))),
            session_id: id.clone(),
            ..CloseSessionRequest::default()
        };
        mesh.client().close_session(request).await.unwrap().into_inner()
    };
    let closed = close().await;
    assert_eq!(closed.status, "completed");
    assert_eq!(close().await, closed, "also when repeated");
    assert!(mesh.world.directory.slots().is_empty());
    let resume = async || {
        let request = ResumeSessionRequest {
            context: Some(context(&Message::new("ann", ""))),
            prior_session_id: id.clone(),
        };
        mesh.client().resume_session(request).await.unwrap().into_inner()
    };
    let resumed = resume().await;
    assert_eq!(resumed.carried_forward_turns, 2);
    assert_eq!(resume().await, resumed, "also when repeated");
    mesh.say(&Message { session_ref: Some(id.clone()), ..Message::new("ann", "more") })
        .await
        .body();
    let call = &agents[0].memory().calls[1].arguments;
    assert_eq!(call["session_id"], resumed.session_id.as_str());
    assert_eq!(call["workflow_state"], json!({"cart": 2}));
    assert_eq!(call["turn_history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn sessions_can_be_made_and_filled_from_outside() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message::new("ann", "");
    let create = async || {
        let request = CreateSessionRequest {
            context: Some(context(&message)),
            detected_language: "de".to_owned(),
            ..CreateSessionRequest::default()
        };
        mesh.client().create_session(request).await.unwrap().into_inner()
    };
    let session = create().await;
    assert_eq!(create().await.session_id, session.session_id, "once per request");
    let nameless = async || {
        let context = proto::v1::Context { request_id: String::new(), ..context(&message) };
        let request =
            CreateSessionRequest { context: Some(context), ..CreateSessionRequest::default() };
        mesh.client().create_session(request).await.unwrap().into_inner().session_id
    };
    assert_ne!(nameless().await, nameless().await, "without a request id each is new");
    let append = AppendTurnRequest {
        context: Some(context(&Message::new("ann", ""))),
        session_id: session.session_id.clone(),
        role: "agent".to_owned(),
        content: "Welcome.".to_owned(),
        ..AppendTurnRequest::default()
    };
    let appended = mesh.client().append_turn(append).await.unwrap().into_inner();
    assert_eq!((appended.success, appended.turn_count), (true, 1));
    let update = UpdateWorkflowStateRequest {
        context: Some(context(&Message::new("ann", ""))),
        session_id: session.session_id.clone(),
        workflow_state_json: "{\"a\": 1}".to_owned(),
    };
    let updated = mesh.client().update_workflow_state(update.clone()).await.unwrap().into_inner();
    assert_eq!(updated.previous_state_json, "{}");
    let shown = mesh.session("ann", &session.session_id).await;
    assert_eq!(shown.workflow_state_json, "{\"a\": 1}");
    assert_eq!(shown.turns[0].content, "Welcome.");
    let broken = UpdateWorkflowStateRequest { workflow_state_json: "[]".to_owned(), ..update };
    let refused = mesh.client().update_workflow_state(broken).await.unwrap_err();
    assert_eq!(Fault::of(&refused).violations[0].path, "workflow_state");
}
