use proto::v1::turn_event::Event;
use serde_json::{Value, json};

use crate::agent::Act;
use crate::mesh::{Mesh, Message, agents, world};

fn charged() -> Value {
    json!({
        "content": "It costs 5.",
        "workflow_complete": false,
        "workflow_state": {"step": 1},
        "usage": {"model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.00036},
    })
}

#[tokio::test]
async fn a_message_is_classified_charged_and_answered() {
    let agents = agents().await;
    agents[0].always(Act::Answer(charged()));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    assert_eq!(told.names(), ["accepted", "classified", "routed", "budget", "result"]);
    let numbers: Vec<_> = told.events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    let body = told.body();
    assert_eq!(body["type"], "answer");
    assert_eq!(body["agent_id"], "sales");
    assert_eq!(body["response"], "It costs 5.");
    assert_eq!(body["session_new"], true);
    assert_eq!(
        body["classification"],
        json!({"intent": "sales matter", "confidence": 0.92, "language": "en"})
    );
    assert_eq!(
        body["routing"],
        json!({"action": "route", "reason": "Confidence 0.92 >= threshold 0.7"})
    );
    assert_eq!(
        body["usage"],
        json!({"model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 5,
               "cost_usd": 0.00036, "estimated": false})
    );
    assert_eq!(
        body["budget"],
        json!({"action": "allow", "remaining_usd": 9.99964, "disabled_tools": []})
    );
    let Some(Event::Result(result)) = told.last() else { panic!("{told:?}") };
    let headers = result.budget.as_ref().unwrap();
    assert_eq!((headers.spent_micros, headers.remaining_micros), (360, 9_999_640));
    assert_eq!(mesh.world.money.spent(), 360);
    assert!(mesh.world.money.open().is_empty(), "nothing stays held");
}

#[tokio::test]
async fn an_agent_is_told_what_the_contract_says() {
    let agents = agents().await;
    agents[0].next(Act::Answer(charged()));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let first = Message {
        metadata_json: r#"{"task_id": "t-1",  "n": 1.50}"#.to_owned(),
        ..Message::new("ann", "sales please")
    };
    let told = mesh.say(&first).await;
    let second = Message::new("ann", "and in blue?");
    mesh.say(&second).await;
    let calls = agents[0].memory().calls;
    let told_first = &calls[0].arguments;
    assert_eq!(told_first["raw_input"], "sales please");
    assert_eq!(told_first["employee_id"], "ann");
    assert_eq!(told_first["entities"], json!({"order_id": "A-1"}));
    assert_eq!(told_first["turn_history"], json!([]));
    assert_eq!(told_first["workflow_state"], json!({}));
    assert!(calls[0].body.contains(r#"{"task_id": "t-1",  "n": 1.50}"#), "byte for byte");
    assert_eq!(calls[0].header("x-request-id"), first.request_id);
    let scopes = mesh.world.money.reserved()[0].scopes.clone();
    let scopes: Vec<_> = scopes.iter().map(|s| format!("{}:{}", s.r#type, s.key)).collect();
    let session_id = told.body()["session_id"].as_str().unwrap().to_owned();
    let session = format!("session:{session_id}");
    assert_eq!(scopes, ["org:mesh", "user:ann", session.as_str(), "agent:sales", "task:t-1"]);

    let told_second = &calls[1].arguments;
    assert_eq!(told_second["workflow_state"], json!({"step": 1}));
    assert_eq!(told_second["entities"], json!({"raw_input_preview": "and in blue?"}));
    let history = told_second["turn_history"].as_array().unwrap();
    let said: Vec<_> = history.iter().map(|entry| entry["content"].as_str().unwrap()).collect();
    assert_eq!(said, ["sales please", "It costs 5."]);
    assert_eq!(told_second["budget"]["disabled_tools"], json!([]));
    let charges: Vec<_> = calls.iter().map(|call| call.header("idempotency-key")).collect();
    assert!(charges[0].ends_with("/1/0") && charges[0] != charges[1], "{charges:?}");
}

#[tokio::test]
async fn a_session_goes_on_with_its_agent() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    mesh.say(&Message::new("ann", "sales please")).await;
    let told = mesh.say(&Message::new("ann", "and in blue?")).await;
    assert_eq!(told.names(), ["accepted", "routed", "budget", "result"], "not classified");
    let body = told.body();
    assert_eq!(body["agent_id"], "sales");
    assert_eq!(body["session_new"], false);
    assert_eq!(body["routing"], json!({"action": "route", "reason": "Active session bypass"}));
    assert_eq!(body["classification"]["confidence"], 1.0);
    let slots = mesh.world.directory.slots();
    assert_eq!(slots.len(), 1, "the session holds one slot: {slots:?}");
}

#[tokio::test]
async fn words_come_while_the_agent_still_speaks() {
    let agents = agents().await;
    let words = vec!["It ".to_owned(), "costs 5.".to_owned()];
    agents[0].always(Act::Speak(words, charged()));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    let names = told.names();
    assert_eq!(names[4..], ["delta", "delta", "result"], "{names:?}");
    let Some(Event::Delta(delta)) = &told.events[5].event else { panic!("{told:?}") };
    assert_eq!(
        (delta.index, delta.text.as_str(), delta.agent_id.as_str()),
        (1, "costs 5.", "sales")
    );
}

#[tokio::test]
async fn a_finished_workflow_ends_the_session() {
    let agents = agents().await;
    agents[0].always(Act::Answer(json!({"content": "Bye.", "workflow_complete": true})));
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let session_id = body["session_id"].as_str().unwrap();
    let session = mesh.session("ann", session_id).await;
    assert_eq!(session.status, "completed");
    assert!(session.expires_ms.is_none() && session.closed_ms.is_some());
    assert!(mesh.world.directory.slots().is_empty(), "its slot is free");
    let next = mesh.say(&Message::new("ann", "sales again")).await.body();
    assert_ne!(next["session_id"], session_id, "it takes no more messages");
}

#[tokio::test]
async fn anonymous_callers_get_no_session() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message {
        anonymous: true,
        session_ref: Some("my-label".to_owned()),
        ..Message::new("anonymous", "sales please")
    };
    let body = mesh.say(&message).await.body();
    assert_eq!(body["session_id"], "my-label");
    let scopes = mesh.world.money.reserved()[0].scopes.clone();
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.r#type.as_str()).collect();
    assert_eq!(scopes, ["org", "agent"]);
    let again = Message { input: "sales more".to_owned(), ..message.clone() };
    let again = Message { request_id: Message::new("", "").request_id, ..again };
    let told = mesh.say(&again).await;
    assert!(told.names().contains(&"classified"), "nothing is remembered");
    assert!(mesh.world.directory.slots().is_empty(), "the slot was held for the turn alone");
}

#[tokio::test]
async fn every_turn_can_be_explained() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    let message = Message::new("ann", "sales please");
    mesh.say(&message).await;
    let explain = async |user_id: &str| {
        let mut context = crate::mesh::context(&message);
        context.user_id = user_id.to_owned();
        let request = proto::v1::ExplainRequest {
            context: Some(context),
            request_id: message.request_id.clone(),
            any_owner: false,
        };
        mesh.client().explain(request).await
    };
    let record = explain("ann").await.unwrap().into_inner().record_json;
    let record: router::record::Record = serde_json::from_str(&record).unwrap();
    let gate = record.gate.unwrap();
    assert!(gate.is_repeatable() && gate.decision.rule == 4);
    assert_eq!(record.input.length, "sales please".len());
    assert_eq!(record.dispatches[0].outcome, "answered");
    assert_eq!(record.dispatches[0].tightest.as_ref().unwrap().scope, "org:mesh");
    assert_eq!(explain("bob").await.unwrap_err().code(), tonic::Code::NotFound);
}
