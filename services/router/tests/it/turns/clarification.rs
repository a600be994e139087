use serde_json::json;

use crate::mesh::{Mesh, Message, agents, world};

/// A mesh whose classifier cannot tell what "help" means.
async fn unsure(agents: &[crate::agent::Agent; 3]) -> Mesh {
    let mesh = Mesh::start(&world(agents), &[]).await;
    let scores = [("sales", 0.5), ("support", 0.45), ("default-agent", 0.05)];
    mesh.world.mind.plan("help", &scores, true);
    mesh.world.mind.plan("help. Specifically: hm", &scores, true);
    mesh
}

#[tokio::test]
async fn a_doubtful_message_is_asked_about_and_a_name_answers() {
    let agents = agents().await;
    let mesh = unsure(&agents).await;
    let told = mesh.say(&Message::new("ann", "help")).await;
    assert_eq!(told.names(), ["accepted", "classified", "result"]);
    let body = told.body();
    assert_eq!(body["type"], "clarification");
    assert_eq!(body["clarification_question"], "Is it sales or support?");
    assert_eq!(body["suggested_agent"], "sales");
    assert_eq!(body["candidate_agents"], json!(["sales", "support"]));
    assert_eq!(body["reason"], "Below threshold 0.7, clarification required");
    assert_eq!(body["attempt"], 1);
    assert_eq!(mesh.world.money.reserved().len(), 0, "asking costs nothing");
    let session_id = body["session_id"].as_str().unwrap();
    let session = mesh.session("ann", session_id).await;
    assert_eq!(session.turns[1].agent_id, "mesh");
    assert_eq!(session.pending_clarification.unwrap().candidates, ["sales", "support"]);

    let body = mesh.say(&Message::new("ann", "the support desk")).await.body();
    assert_eq!(body["agent_id"], "support");
    assert_eq!(body["routing"], json!({"action": "route", "reason": "Clarification answered"}));
    assert_eq!(body["classification"]["confidence"], 1.0);
    let call = &agents[1].memory().calls[0];
    assert_eq!(call.arguments["raw_input"], "help. Specifically: the support desk");
    let session = mesh.session("ann", session_id).await;
    assert_eq!(session.turns[2].content, "the support desk", "the reply alone is kept");
    assert!(session.pending_clarification.is_none());
}

#[tokio::test]
async fn a_number_answers_too() {
    let agents = agents().await;
    let mesh = unsure(&agents).await;
    mesh.say(&Message::new("ann", "help")).await;
    let body = mesh.say(&Message::new("ann", "2")).await.body();
    assert_eq!(body["agent_id"], "support");
}

#[tokio::test]
async fn two_vague_answers_end_at_the_default_agent() {
    let agents = agents().await;
    let mesh = unsure(&agents).await;
    mesh.world.mind.plan(
        "help. Specifically: hm. Specifically: hm",
        &[("sales", 0.5), ("support", 0.4)],
        false,
    );
    mesh.say(&Message::new("ann", "help")).await;
    let second = mesh.say(&Message::new("ann", "hm")).await.body();
    assert_eq!(
        (second["type"].as_str(), second["attempt"].as_i64()),
        (Some("clarification"), Some(2))
    );
    let third = mesh.say(&Message::new("ann", "hm")).await.body();
    assert_eq!(third["agent_id"], "default-agent");
    assert_eq!(
        third["routing"],
        json!({"action": "fallback", "reason": "Below threshold 0.7, falling back to default"})
    );
}

#[tokio::test]
async fn a_more_precise_answer_is_classified_with_the_question() {
    let agents = agents().await;
    let mesh = unsure(&agents).await;
    let text = "help. Specifically: my parcel";
    mesh.world.mind.plan(text, &[("support", 0.9), ("sales", 0.1)], false);
    mesh.say(&Message::new("ann", "help")).await;
    let told = mesh.say(&Message::new("ann", "my parcel")).await;
    assert_eq!(told.body()["agent_id"], "support");
    assert!(told.names().contains(&"classified"));
    assert_eq!(agents[1].memory().calls[0].arguments["raw_input"], text);
}

#[tokio::test]
async fn an_expired_question_is_ignored() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[("CLARIFICATION_TTL_MS", "10")]).await;
    mesh.world.mind.plan("help", &[("sales", 0.5), ("support", 0.45)], true);
    let body = mesh.say(&Message::new("ann", "help")).await.body();
    let session_id = body["session_id"].as_str().unwrap().to_owned();
    crate::mesh::eventually(async || {
        let session = mesh.session("ann", &session_id).await;
        session.pending_clarification.is_none().then_some(())
    })
    .await;
    let body = mesh.say(&Message::new("ann", "2")).await.body();
    assert_eq!(body["agent_id"], "default-agent", "it is a message of its own");
}

#[tokio::test]
async fn anonymous_callers_are_not_asked() {
    let agents = agents().await;
    let mesh = unsure(&agents).await;
    let message = Message { anonymous: true, ..Message::new("anonymous", "help") };
    let body = mesh.say(&message).await.body();
    assert_eq!(body["agent_id"], "default-agent");
    assert_eq!(body["routing"]["action"], "fallback");
}

#[tokio::test]
async fn without_a_classifier_the_default_agent_answers() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[]).await;
    mesh.world.mind.go_down();
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    assert_eq!(body["agent_id"], "default-agent");
    assert_eq!(
        body["routing"],
        json!({"action": "fallback", "reason": "Classifier unavailable, falling back to default"})
    );
    assert_eq!(body["classification"]["confidence"], 0.0);
}
