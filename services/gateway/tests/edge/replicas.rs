//! Several gateways before the same services.

use chassis::testing;
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, kinds};
use crate::house::{Behind, House};

async fn two(pairs: &[(&str, &str)]) -> [House; 2] {
    let (redis, behind) = (testing::redis().await, Behind::new());
    let one = House::replica(pairs, Some(redis.clone()), behind.clone()).await;
    [one, House::replica(pairs, Some(redis), behind).await]
}

#[tokio::test]
async fn the_same_events_are_heard_on_every_replica() {
    let [here, there] = two(&[]).await;
    let mut sockets = [
        here.user("anna").socket("/ws?sessionId=mine").await,
        here.user("anna").socket("/ws?sessionId=mine").await,
        there.user("anna").socket("/ws?sessionId=mine").await,
    ];
    for turn in 0..5 {
        sockets[0].send(json!({"type": "message", "input": format!("turn {turn}")})).await;
        for socket in &mut sockets {
            let frames = socket.until("result").await;
            assert_eq!(kinds(&frames), ["processing", "routed", "result"], "each event once");
            assert_eq!(frames[2]["payload"]["response"], format!("turn {turn}"));
        }
    }
    let mut stranger = there.user("bob").socket("/ws?sessionId=mine").await;
    sockets[0].send(json!({"type": "message", "input": "again"})).await;
    sockets[2].until("result").await;
    stranger.send(json!({"type": "ping"})).await;
    assert_eq!(stranger.next().await["type"], "pong");
}

#[tokio::test]
async fn who_comes_back_elsewhere_hears_the_rest() {
    let [here, there] = two(&[]).await;
    let mut witness = there.user("anna").socket("/ws?sessionId=mine").await;
    let body = json!({"input": "Hi", "user_id": "anna", "session_id": "mine"});
    let said = here.client().post("/v1/request", &body).await;
    witness.until("result").await;
    let id = said.body["request_id"].as_str().unwrap();
    let anna = there.user("anna").header("last-event-id", &format!("{id}:0"));
    let mut stream = anna.events(anna.request(Method::GET, "/v1/sse?sessionId=mine")).await;
    for seq in 1..3 {
        assert_eq!(stream.next().await.unwrap().id, format!("{id}:{seq}"));
    }
}

#[tokio::test]
async fn tickets_and_buckets_are_shared() {
    let limits = [("ENABLE_RATE_LIMITING", "true"), ("RATE_LIMIT_MAX_REQUESTS", "6")];
    let [here, there] = two(&limits).await;
    let issued = here.client().post("/v1/tickets", &json!({"user_id": "anna"})).await;
    let ticket = issued.body["ticket"].as_str().unwrap();
    Client::new(there.address).socket(&format!("/ws?ticket={ticket}")).await;
    let mut allowed = 2;
    for call in 0..10 {
        let house = if call % 2 == 0 { &here } else { &there };
        allowed += usize::from(house.client().get("/v1/agents").await.status == 200);
    }
    assert_eq!(allowed, 6, "one bucket for both");
}
