use base64::Engine as _;
use proto::v1::{CancelTurnRequest, CancelTurnResponse, ConverseRequest};
use serde_json::{Value, json};

use crate::client::{Client, kinds};
use crate::house::{House, KEY};

const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn message(input: &str) -> Value {
    json!({"type": "message", "input": input})
}

#[tokio::test]
async fn a_key_is_shown_in_any_of_the_four_ways() {
    let house = House::open().await;
    let nobody = Client::new(house.address);
    for path in ["/", "/ws", "/v1/ws", "/api/v1/ws"] {
        house.client().socket(path).await;
        nobody.socket(&format!("{path}?api_key={KEY}")).await;
    }
    let bearer = nobody.clone().header("authorization", &format!("Bearer {KEY}"));
    bearer.socket("/ws").await;
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(KEY);
    let protocols = format!("mesh.v1, key.{encoded}");
    let spoken = nobody.clone().header("sec-websocket-protocol", &protocols);
    assert_eq!(spoken.socket("/ws").await.protocol.as_deref(), Some("mesh.v1"));
    assert_eq!(nobody.try_socket("/ws").await.err(), Some(401));
    assert_eq!(nobody.try_socket("/ws?api_key=wrong").await.err(), Some(401));
}

#[tokio::test]
async fn a_ticket_opens_one_socket_for_its_user_and_session() {
    let house = House::open().await;
    let nobody = Client::new(house.address);
    let body = json!({"user_id": "anna", "sessionId": "mine"});
    let issued = house.client().post("/v1/tickets", &body).await;
    assert_eq!((issued.status, &issued.body["expires_in_s"]), (201, &json!(30)));
    let ticket = issued.body["ticket"].as_str().unwrap().to_owned();
    let mut socket = nobody.socket(&format!("/ws?ticket={ticket}")).await;
    assert_eq!(socket.connected["sessionId"], "mine");
    socket.send(message("Hi")).await;
    socket.until("result").await;
    let asked: Vec<ConverseRequest> = house.behind.router.calls("Router/Converse");
    let context = asked[0].context.as_ref().unwrap();
    assert_eq!((context.user_id.as_str(), context.key_id.as_str()), ("anna", "main"));
    assert_eq!(nobody.try_socket(&format!("/ws?ticket={ticket}")).await.err(), Some(401));
    let other = house.client().post("/v1/tickets", &body).await;
    let other = other.body["ticket"].as_str().unwrap().to_owned();
    assert_eq!(
        nobody.try_socket(&format!("/ws?ticket={other}&sessionId=else")).await.err(),
        Some(403)
    );
}

#[tokio::test]
async fn a_turn_is_told_frame_by_frame() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let mut socket = house.client().socket("/ws").await;
    assert_eq!(socket.connected["resolvedSessionId"], Value::Null);
    let name = socket.connected["sessionId"].as_str().unwrap().to_owned();
    assert!(name.parse::<uuid::Uuid>().is_ok(), "a fresh one");
    let frame = json!({"type": "request", "input": "Hi", "requestId": ID, "metadata": {"a": 1}, "locale": "de"});
    socket.send(frame).await;
    let mut turn = turns.recv().await.unwrap();
    assert_eq!(turn.request_id(), ID);
    let asked = &turn.request;
    assert_eq!((asked.metadata_json.as_str(), asked.locale.as_str()), (r#"{"a":1}"#, "de"));
    assert_eq!(asked.context.as_ref().unwrap().user_id, "key:main", "no user is named");
    assert_eq!(asked.session_ref.as_deref(), Some(name.as_str()));
    turn.accept();
    turn.delta("a");
    turn.delta("b");
    turn.result();
    let frames = socket.until("result").await;
    assert_eq!(kinds(&frames), ["processing", "delta", "delta", "result"]);
    for (seq, frame) in frames.iter().enumerate() {
        assert_eq!((&frame["seq"], &frame["requestId"]), (&json!(seq), &json!(ID)));
        assert_eq!(frame["sessionId"], turn.session_id.as_str());
    }
    assert_eq!(frames[0]["payload"]["session_new"], true);
    assert_eq!(frames[3]["payload"]["response"], "Hi");
    let mut again = house.client().socket(&format!("/ws?sessionId={}", turn.session_id)).await;
    assert_eq!(again.connected["resolvedSessionId"], turn.session_id.as_str());
    again.send(json!({"type": "ping"})).await;
    assert_eq!(again.next().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn all_who_listen_hear_the_turns_of_the_session_also_if_it_comes_later() {
    let house = House::open().await;
    let anna = house.user("anna");
    let mut early = anna.socket("/ws?sessionId=mine").await;
    let mut sender = anna.socket("/ws?sessionId=mine").await;
    let mut elsewhere = anna.socket("/ws?sessionId=other").await;
    let mut stranger = house.user("bob").socket("/ws?sessionId=mine").await;
    sender.send(message("Hi")).await;
    let told = ["processing", "routed", "result"];
    assert_eq!(kinds(&sender.until("result").await), told);
    assert_eq!(kinds(&early.until("result").await), told);
    let by_rest = json!({"input": "And", "user_id": "anna", "session_id": "mine"});
    let said = house.client().post("/v1/request", &by_rest).await;
    for socket in [&mut sender, &mut early] {
        let frames = socket.until("result").await;
        assert_eq!(kinds(&frames), told, "each event once");
        assert_eq!(frames[2]["requestId"], said.body["request_id"]);
    }
    for socket in [&mut elsewhere, &mut stranger] {
        socket.send(json!({"type": "ping"})).await;
        assert_eq!(socket.next().await["type"], "pong", "nobody else hears anything");
    }
}

#[tokio::test]
async fn messages_of_one_socket_are_taken_in_their_order() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let mut socket = house.client().socket("/ws").await;
    for input in ["one", "two", "three"] {
        socket.send(message(input)).await;
    }
    let mut first = turns.recv().await.unwrap();
    assert_eq!(first.request.input, "one");
    assert!(turns.try_recv().is_err(), "the next waits until the first has its place");
    first.accept();
    let mut second = turns.recv().await.unwrap();
    assert_eq!(second.request.input, "two", "and no longer");
    second.error("session_busy");
    let mut third = turns.recv().await.unwrap();
    assert_eq!(third.request.input, "three");
    third.accept();
    first.result();
    third.result();
    let frames = [socket.until("result").await, socket.until("result").await].concat();
    assert_eq!(kinds(&frames), ["processing", "error", "processing", "result", "result"]);
    assert_eq!(frames[1]["payload"]["code"], "session_busy");
}

#[tokio::test]
async fn a_turn_is_cancelled_by_its_owner() {
    let house = House::open().await;
    house
        .behind
        .router
        .on("Router/CancelTurn", |_: CancelTurnRequest| Ok(CancelTurnResponse { cancelled: true }));
    let mut turns = house.behind.wait_for_turns();
    let mut socket = house.user("anna").socket("/ws").await;
    socket.send(json!({"type": "message", "input": "Hi", "requestId": ID})).await;
    let mut turn = turns.recv().await.unwrap();
    turn.accept();
    socket.next().await;
    socket.send(json!({"type": "cancel", "requestId": ID})).await;
    let asked = loop {
        let calls: Vec<CancelTurnRequest> = house.behind.router.calls("Router/CancelTurn");
        if let Some(call) = calls.into_iter().next() {
            break call;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((asked.request_id.as_str(), asked.context.unwrap().user_id.as_str()), (ID, "anna"));
    turn.error("cancelled");
    assert_eq!(socket.next().await["payload"]["code"], "cancelled");
}

#[tokio::test]
async fn foreign_pages_and_foreign_sessions_are_refused() {
    let house = House::with(&[("CORS_ALLOW_ORIGIN", "https://shop.example")]).await;
    let from = |origin: &str| house.client().header("origin", origin);
    assert_eq!(from("https://evil.example").try_socket("/ws").await.err(), Some(403));
    assert!(from("https://shop.example").try_socket("/ws").await.is_ok());
    assert!(from(&format!("http://{}", house.address)).try_socket("/ws").await.is_ok());
    let said = house.client().say("anna", "Hi").await;
    let path = format!("/ws?sessionId={}", said.body["session_id"].as_str().unwrap());
    assert_eq!(house.user("bob").try_socket(&path).await.err(), Some(404));
    assert!(house.user("anna").try_socket(&path).await.is_ok());
    assert_eq!(house.client().try_socket("/ws?sessionId=a%20b").await.err(), Some(400));
}
