use chassis::clock;
use proto::v1::{
    Context, DrainRequest, GetConnectionStatsRequest, GetSessionRequest, PublishEventRequest,
    Session,
};
use serde_json::json;

use crate::client::Client;
use crate::house::House;

fn event(user: &str) -> PublishEventRequest {
    let context =
        Context { tenant: "default".to_owned(), user_id: user.to_owned(), ..Context::default() };
    PublishEventRequest {
        context: Some(context),
        session_id: "s-1".to_owned(),
        event_json: r#"{"type":"notice","payload":{"n" : 1.50}}"#.to_owned(),
    }
}

#[tokio::test]
async fn other_services_can_tell_a_session_something() {
    let mut house = House::open().await;
    house.behind.router.on("Router/GetSession", |request: GetSessionRequest| {
        let user_id = "anna".to_owned();
        Ok(Session { session_id: request.session_id, user_id, ..Session::default() })
    });
    let mut socket = house.user("anna").socket("/ws?sessionId=s-1").await;
    for user in ["anna", ""] {
        let delivered = house.grpc.publish_event(event(user)).await.unwrap().into_inner().delivered;
        assert_eq!(delivered, 1, "the owner is found when it is not told");
        let frame = socket.next().await;
        assert_eq!(frame, json!({"type": "notice", "payload": {"n": 1.5}, "sessionId": "s-1"}));
    }
    let stranger = house.grpc.publish_event(event("bob")).await.unwrap().into_inner();
    assert_eq!(stranger.delivered, 0);
    for odd in ["", "{}", r#"{"type":""}"#, "[]", r#"{"type":"a\nb"}"#] {
        let event = PublishEventRequest { event_json: odd.to_owned(), ..event("anna") };
        let status = house.grpc.publish_event(event).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{odd}");
    }
}

#[tokio::test]
async fn a_drain_waits_for_turns_and_closes_sockets() {
    let mut house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let mut socket = house.user("anna").socket("/ws").await;
    socket.send(json!({"type": "message", "input": "Hi"})).await;
    let mut turn = turns.recv().await.unwrap();
    turn.accept();
    assert_eq!(socket.next().await["type"], "processing");
    let stats = house.grpc.get_connection_stats(GetConnectionStatsRequest::default());
    let stats = stats.await.unwrap().into_inner();
    assert_eq!((stats.websockets, stats.streams, stats.running_turns), (1, 0, 1));
    let mut grpc = house.grpc.clone();
    let drain = tokio::spawn(async move {
        let request = DrainRequest { context: None, deadline_ms: clock::now_ms() + 9_000 };
        grpc.drain(request).await.unwrap().into_inner().drained
    });
    loop {
        let said = house.client().say("bob", "Hi").await;
        if said.status == 503 {
            assert_eq!(said.code(), (503, "shutting_down"));
            break;
        }
    }
    turn.result();
    assert!(drain.await.unwrap());
    let (code, frames) = socket.closed().await;
    assert_eq!(code, 1001);
    assert_eq!(crate::client::kinds(&frames), ["result", "shutdown"]);
    assert_eq!(house.client().get("/health/deep").await.status, 503);
    assert!(!house.life.is_stopping(), "only the gateway ends");
}

#[tokio::test]
async fn a_deep_look_names_what_is_missing() {
    let house = House::open().await;
    let nobody = Client::new(house.address);
    let said = nobody.get("/health/deep").await;
    assert_eq!((said.status, &said.body["status"]), (200, &json!("healthy")), "{}", said.text);
    assert_eq!(said.body["service"], "handoff-mesh");
    assert_eq!(
        (&said.body["agents"], &said.body["defaultAgent"]),
        (&json!(["hello", "support"]), &json!("hello"))
    );
    let registry = &said.body["checks"]["registry"];
    assert_eq!(
        (&registry["status"], &registry["message"]),
        (&json!("pass"), &json!("2 agents loaded"))
    );
    let names: Vec<_> =
        said.body["checks"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["budget", "classifier", "database", "handoff", "registry", "router"]);
    house.behind.budget.unlearn("Budget/ListBudgets");
    let ill = loop {
        let said = nobody.get("/health/deep").await;
        if said.status == 503 {
            break said;
        }
    };
    assert_eq!(ill.body["status"], "unhealthy");
    let budget = &ill.body["checks"]["budget"];
    assert_eq!((&budget["status"], &budget["message"]), (&json!("fail"), &json!("unavailable")));
    let shallow = nobody.get("/health").await;
    assert_eq!((shallow.status, &shallow.body["status"]), (200, &json!("healthy")));
    assert!(shallow.body["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn without_redis_or_the_llm_the_mesh_is_degraded() {
    let nowhere = chassis::Redis::open(&"redis://127.0.0.1:1".parse().unwrap(), "").unwrap();
    let house = House::replica(&[], Some(nowhere), crate::house::Behind::new()).await;
    let said = house.client().get("/health/deep").await;
    assert_eq!((said.status, &said.body["status"]), (200, &json!("degraded")), "{}", said.text);
    assert_eq!(said.body["checks"]["redis"]["status"], "fail");
    assert_eq!(house.client().say("anna", "Hi").await.status, 200, "chat works");
}
