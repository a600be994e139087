use proto::v1::turn_event::Event;
use serde_json::{Value, json};

use crate::agent::{Act, Agent};
use crate::mesh::{Mesh, Message, agents, context, eventually, world};

fn wants(target: &str) -> Value {
    json!({
        "content": "Let me pass you on.",
        "workflow_complete": false,
        "handoff": {"reason": "it is about a parcel", "target_agent": target, "summary": "s"},
    })
}

fn says(content: &str) -> Act {
    Act::Answer(json!({"content": content, "workflow_complete": false}))
}

async fn start(agents: &[Agent; 3]) -> Mesh {
    agents[1].always(says("I have your parcel."));
    Mesh::start(&world(agents), &[]).await
}

#[tokio::test]
async fn the_receiver_answers_in_the_same_turn() {
    let agents = agents().await;
    agents[0].next(Act::Answer(wants("support")));
    let mesh = start(&agents).await;
    mesh.world.porter.accept("support");
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    let names = told.names();
    let expected = ["budget", "handoff_started", "budget", "handoff_completed", "result"];
    assert_eq!(names[3..], expected, "{names:?}");
    let body = told.body();
    assert_eq!(body["agent_id"], "support");
    assert_eq!(body["response"], "I have your parcel.");
    let passed = &body["handoffs"][0];
    assert_eq!(passed["from_agent"], "sales");
    assert_eq!(passed["to_agent"], "support");
    assert_eq!(passed["trigger"], "specialist_required");
    assert_eq!(passed["message"], "Let me pass you on.");
    assert!(passed["handoff_id"].as_str().unwrap().starts_with("handoff-"));

    let asked = &mesh.world.porter.asked()[0];
    assert_eq!(asked.trigger.as_ref().unwrap().target_agent, "support");
    assert_eq!(asked.exclude, ["sales"]);
    let history: Vec<_> = asked.history.iter().map(|entry| entry.content.as_str()).collect();
    assert_eq!(history, ["sales please", "Let me pass you on."]);
    let completed = &mesh.world.porter.completed()[0];
    assert_eq!(completed.agent_id, "support");
    let heard = &agents[1].memory().calls[0];
    assert_eq!(heard.arguments["handoff"]["summary"], "what happened so far");
    assert_eq!(heard.arguments["handoff"]["reason"], "it is about a parcel");
    assert_eq!(heard.arguments["turn_history"], json!([]), "the brief stands for it");
    assert!(heard.header("idempotency-key").ends_with("/1/1"));

    let next = mesh.say(&Message::new("ann", "thanks")).await.body();
    assert_eq!(next["agent_id"], "support", "the session is the receiver's");
    let heard = &agents[1].memory().calls[1];
    assert_eq!(heard.arguments["handoff"]["from_agent"], "sales", "as long as it stays active");
    let history = heard.arguments["turn_history"].as_array().unwrap();
    let history: Vec<_> = history.iter().map(|entry| entry["content"].as_str().unwrap()).collect();
    assert_eq!(history, ["I have your parcel."], "since the handoff");
}

#[tokio::test]
async fn when_nobody_takes_over_the_answer_of_the_source_stands() {
    let agents = agents().await;
    agents[0].always(Act::Answer(wants("support")));
    let mesh = start(&agents).await;
    mesh.world.porter.refuse("all_rejected", "");
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    let body = told.body();
    assert_eq!(body["agent_id"], "sales");
    assert_eq!(body["response"], "Let me pass you on.");
    assert_eq!(body["handoffs"], json!([]));
    let Some(Event::HandoffRejected(rejected)) = &told.events[4].event else { panic!("{told:?}") };
    assert!(rejected.r#final && rejected.reason == "all_rejected");
    let session = mesh.session("ann", body["session_id"].as_str().unwrap()).await;
    assert_eq!(session.active_agent, "sales");
}

#[tokio::test]
async fn without_the_handoff_service_the_current_agent_goes_on() {
    let agents = agents().await;
    agents[0].always(Act::Answer(wants("support")));
    let mesh = start(&agents).await;
    mesh.world.porter.go_down();
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    assert_eq!(told.body()["agent_id"], "sales");
    let Some(Event::HandoffRejected(rejected)) = &told.events[4].event else { panic!("{told:?}") };
    assert_eq!(rejected.reason, "unexpected_error");
}

#[tokio::test]
async fn a_receiver_that_fails_is_replaced_by_the_next() {
    let agents = agents().await;
    agents[0].always(Act::Answer(wants("support")));
    let mesh = start(&agents).await;
    agents[1].always(Act::Break);
    agents[2].always(says("I take it."));
    mesh.world.porter.accept("support");
    mesh.world.porter.accept("default-agent");
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    assert_eq!(told.body()["agent_id"], "default-agent");
    let asked = mesh.world.porter.asked();
    assert_eq!(asked[0].handoff_id, asked[1].handoff_id, "it is the same handoff");
    assert!(asked[1].exclude.contains(&"support".to_owned()));
    assert!(mesh.world.money.open().is_empty());
}

#[tokio::test]
async fn handoffs_have_a_limit_and_never_go_back() {
    let agents = agents().await;
    agents[0].always(Act::Answer(wants("support")));
    let mesh = Mesh::start(&world(&agents), &[("HANDOFF_MAX_HOPS", "1")]).await;
    agents[1].always(Act::Answer(wants("sales")));
    mesh.world.porter.accept("support");
    let told = mesh.say(&Message::new("ann", "sales please")).await;
    assert_eq!(told.body()["agent_id"], "support");
    let asked = mesh.world.porter.asked();
    assert_eq!(asked.len(), 1, "beyond the limit nobody is asked");
    let names = told.names();
    assert_eq!(names[names.len() - 2..], ["handoff_rejected", "result"]);
}

#[tokio::test]
async fn a_user_who_asks_for_someone_in_charge_gets_a_handoff_first() {
    let agents = agents().await;
    let mesh = start(&agents).await;
    mesh.say(&Message::new("ann", "sales please")).await;
    mesh.world.porter.accept("support");
    let body = mesh.say(&Message::new("ann", "let me speak to a manager")).await.body();
    assert_eq!(body["agent_id"], "support");
    assert_eq!(body["handoffs"][0]["trigger"], "escalation_requested");
    assert_eq!(body["handoffs"][0]["message"], Value::Null, "the source was not asked");
    assert_eq!(agents[0].memory().calls.len(), 1);
}

#[tokio::test]
async fn a_change_of_topic_is_a_handoff_and_never_a_silent_change() {
    let agents = agents().await;
    let mesh = start(&agents).await;
    mesh.say(&Message::new("ann", "sales please")).await;
    let scores = [("support", 0.9), ("sales", 0.1), ("default-agent", 0.0)];
    mesh.world.mind.plan("where is my parcel", &scores, false);
    mesh.world.porter.accept("support");
    let told = mesh.say(&Message::new("ann", "where is my parcel")).await;
    assert_eq!(told.body()["handoffs"][0]["trigger"], "topic_boundary_crossed");
    let trigger = mesh.world.porter.asked()[0].trigger.clone().unwrap();
    assert!(trigger.target_is_preference && trigger.to_topic == "support");
}

#[tokio::test]
async fn an_unclear_target_is_asked_about() {
    let agents = agents().await;
    agents[0].next(Act::Answer(wants("")));
    let mesh = start(&agents).await;
    mesh.world.porter.ask(&["support", "default-agent"], "Parcels or else?");
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    assert_eq!(body["type"], "clarification");
    assert_eq!(body["clarification_question"], "Parcels or else?");
    assert_eq!(body["message"], "Let me pass you on.");
    mesh.world.porter.accept("support");
    let body = mesh.say(&Message::new("ann", "1")).await.body();
    assert_eq!(body["agent_id"], "support");
    let trigger = mesh.world.porter.asked()[1].trigger.clone().unwrap();
    assert_eq!((trigger.target_agent.as_str(), trigger.requested_by.as_str()), ("support", "user"));
}

#[tokio::test]
async fn a_session_whose_agent_is_left_alone_is_taken_over() {
    let agents = agents().await;
    let mesh = start(&agents).await;
    let session = mesh.say(&Message::new("ann", "sales please")).await.body();
    let request = proto::v1::SetBreakerRequest {
        context: Some(context(&Message::new("ann", ""))),
        agent_id: "sales".to_owned(),
        action: "force_open".to_owned(),
    };
    mesh.client().set_breaker(request).await.unwrap();
    mesh.world.porter.refuse("no_match", "default-agent");
    let told = mesh.say(&Message::new("ann", "more")).await;
    assert_eq!(told.body()["agent_id"], "default-agent");
    assert_eq!(told.body()["routing"]["action"], "fallback");
    let asked = &mesh.world.porter.asked()[0];
    assert!(asked.trigger.as_ref().unwrap().is_failover);
    assert_eq!(asked.options.as_ref().unwrap().policy, "strict");
    assert!(asked.breaker_refused.contains(&"sales".to_owned()));
    let session = mesh.session("ann", session["session_id"].as_str().unwrap()).await;
    assert_eq!(session.active_agent, "sales", "it only stands in");
    mesh.world.porter.accept("support");
    let told = mesh.say(&Message::new("ann", "and now")).await;
    assert_eq!(told.body()["agent_id"], "support");
}

/// Takes an agent away, and waits until the router knows.
async fn remove(mesh: &Mesh, agent_id: &str) {
    mesh.world.directory.remove(agent_id);
    eventually(async || {
        let request = proto::v1::ListBreakersRequest::default();
        let breakers = mesh.client().list_breakers(request).await.unwrap().into_inner().breakers;
        (!breakers.iter().any(|b| b.agent_id == agent_id && b.generation == 0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_failover_an_agent_that_is_gone_is_an_error() {
    let agents = agents().await;
    let mesh = Mesh::start(&world(&agents), &[("ENABLE_FAILOVER", "false")]).await;
    mesh.say(&Message::new("ann", "sales please")).await.body();
    remove(&mesh, "sales").await;
    let message = Message::new("ann", "more");
    assert_eq!(mesh.say(&message).await.code(), "agent_unavailable");
    assert!(mesh.world.porter.asked().is_empty(), "nobody is asked to take over");
    assert!(mesh.world.money.open().is_empty(), "nothing is held for nobody");
    mesh.world.directory.add(("sales", &agents[0]));
    let answer = eventually(async || {
        let told = mesh.say(&message).await;
        matches!(told.last(), Some(Event::Result(_))).then_some(told)
    });
    assert_eq!(answer.await.body()["agent_id"], "sales", "the same request is tried again");
}

#[tokio::test]
async fn a_session_whose_agent_is_gone_is_taken_over() {
    let agents = agents().await;
    let mesh = start(&agents).await;
    mesh.say(&Message::new("ann", "sales please")).await;
    remove(&mesh, "sales").await;
    mesh.world.porter.accept("support");
    let body = mesh.say(&Message::new("ann", "more")).await.body();
    assert_eq!(body["agent_id"], "support");
    assert_eq!(agents[1].memory().calls[0].arguments["handoff"]["from_agent"], "sales");
}

#[tokio::test]
async fn without_bypass_another_agent_is_reached_by_a_handoff_only() {
    let agents = agents().await;
    agents[1].always(says("I have your parcel."));
    let mesh = Mesh::start(&world(&agents), &[("ENABLE_SESSION_BYPASS", "false")]).await;
    mesh.say(&Message::new("ann", "sales please")).await;
    let same = mesh.say(&Message::new("ann", "sales again")).await;
    assert!(same.names().contains(&"classified"));
    assert!(mesh.world.porter.asked().is_empty(), "it is the same agent");
    mesh.world.porter.accept("support");
    let body = mesh.say(&Message::new("ann", "support please")).await.body();
    assert_eq!(body["agent_id"], "support");
    assert_eq!(body["handoffs"][0]["from_agent"], "sales");
    let trigger = mesh.world.porter.asked()[0].trigger.clone().unwrap();
    assert_eq!(trigger.target_agent, "support");
}

#[tokio::test]
async fn a_handoff_serves_anonymous_callers_within_their_turn() {
    let agents = agents().await;
    agents[0].next(Act::Answer(wants("support")));
    let mesh = start(&agents).await;
    mesh.world.porter.accept("support");
    let message = Message { anonymous: true, ..Message::new("anonymous", "sales please") };
    let body = mesh.say(&message).await.body();
    assert_eq!(body["agent_id"], "support");
    assert!(mesh.world.directory.slots().is_empty(), "no place stays taken");
}
