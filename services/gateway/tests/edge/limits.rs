//! What ends a socket, and what it may cost.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::kinds;
use crate::house::House;

const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn message(input: &str) -> Value {
    json!({"type": "message", "input": input})
}

#[tokio::test]
async fn an_odd_frame_is_answered_and_the_twentieth_closes_the_socket() {
    let house = House::open().await;
    let mut socket = house.client().socket("/ws").await;
    for odd in 0..20 {
        match odd % 3 {
            0 => socket.raw(Message::text("{")).await,
            1 => socket.raw(Message::binary(b"{}".to_vec())).await,
            _ => socket.send(json!({"type": "dance"})).await,
        }
        let frame = socket.next().await;
        assert_eq!(
            (&frame["type"], &frame["payload"]["code"]),
            (&json!("error"), &json!("invalid_request"))
        );
    }
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test]
async fn a_frame_that_is_too_large_closes_the_socket() {
    let house = House::open().await;
    let fits = json!({"type": "ping", "x": "x".repeat(65_536 - 22)}).to_string();
    assert_eq!(fits.len(), 65_536);
    let mut socket = house.client().socket("/ws").await;
    socket.raw(Message::text(fits.clone())).await;
    assert_eq!(socket.next().await["type"], "pong");
    socket.raw(Message::text(fits + " ")).await;
    assert_eq!(socket.closed().await.0, 1009);
    let mut socket = house.client().socket("/ws").await;
    socket.raw(Message::text("x".repeat(2 << 20))).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_slows_nobody() {
    const DELTAS: usize = 400;
    let house = House::with(&[("WS_QUEUE_FRAMES", "8")]).await;
    let mut turns = house.behind.wait_for_turns();
    let anna = house.user("anna");
    let mut slow = anna.socket("/ws?sessionId=mine").await;
    let mut quick = anna.socket("/ws?sessionId=mine").await;
    quick.send(message("Hi")).await;
    let mut turn = turns.recv().await.unwrap();
    turn.accept();
    assert_eq!(quick.next().await["type"], "processing");
    let text = "x".repeat(64 << 10);
    for _ in 0..DELTAS {
        turn.delta(&text);
        assert_eq!(quick.next().await["type"], "delta");
    }
    turn.result();
    assert_eq!(quick.next().await["type"], "result");
    let (code, frames) = slow.closed().await;
    assert_eq!(code, 1013);
    assert!(frames.len() < DELTAS, "it was cut off after {} frames", frames.len());
    quick.send(json!({"type": "ping"})).await;
    assert_eq!(quick.next().await["type"], "pong");
}

#[tokio::test]
async fn who_does_not_answer_pings_is_closed() {
    let house = House::with(&[("WS_PING_INTERVAL_MS", "20")]).await;
    let mut silent = house.client().socket("/ws").await;
    let mut lively = house.client().socket("/ws").await;
    // A client answers pings while it reads; the other one does not read meanwhile.
    lively.pings(10).await;
    assert_eq!(silent.closed().await.0, 1008);
    lively.send(json!({"type": "ping"})).await;
    assert_eq!(lively.next().await["type"], "pong");
}

#[tokio::test]
async fn a_key_has_so_many_sockets() {
    let house = House::with(&[("WS_MAX_CONNECTIONS_PER_KEY", "2")]).await;
    let _first = house.client().socket("/ws").await;
    let second = house.client().socket("/ws").await;
    assert_eq!(house.client().try_socket("/ws").await.err(), Some(429));
    drop(second);
    while house.client().try_socket("/ws").await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_message_costs_a_token() {
    let limits = [("ENABLE_RATE_LIMITING", "true"), ("RATE_LIMIT_MAX_REQUESTS", "3")];
    let house = House::with(&limits).await;
    let mut socket = house.client().socket("/ws").await;
    for _ in 0..2 {
        socket.send(json!({"type": "ping"})).await;
        assert_eq!(socket.next().await["type"], "pong", "pings are free");
        socket.send(message("Hi")).await;
        socket.until("result").await;
    }
    socket.send(json!({"type": "message", "input": "Hi", "requestId": ID})).await;
    let frame = socket.next().await;
    assert_eq!(
        (&frame["payload"]["code"], &frame["requestId"]),
        (&json!("rate_limited"), &json!(ID))
    );
    assert!(frame["payload"]["retry_after"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn the_end_of_the_gateway_is_told_after_the_last_result() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let mut socket = house.client().socket("/ws").await;
    socket.send(message("Hi")).await;
    let mut turn = turns.recv().await.unwrap();
    turn.accept();
    house.life.stop();
    socket.send(message("More")).await;
    let frames = socket.until("error").await;
    assert_eq!(frames.last().unwrap()["payload"]["code"], "shutting_down");
    turn.result();
    let told = async {
        let (code, frames) = socket.closed().await;
        assert_eq!((code, kinds(&frames)), (1001, vec!["result", "shutdown"]));
    };
    tokio::join!(told, house.close());
}
