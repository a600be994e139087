use reqwest::Method;
use serde_json::json;

use crate::client::{Client, Events, answer};
use crate::house::House;

const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

async fn subscribe(client: &Client, query: &str) -> Events {
    client.events(client.request(Method::GET, &format!("/v1/sse?{query}"))).await
}

fn ask(client: &Client) -> reqwest::RequestBuilder {
    let request = client.request(Method::POST, "/v1/request").header("accept", "text/event-stream");
    request.json(&json!({"input": "Hi", "user_id": "anna", "session_id": "mine"}))
}

#[tokio::test]
async fn a_stream_tells_what_happens_in_a_session() {
    let house = House::open().await;
    let mut stream = subscribe(&house.user("anna"), "sessionId=mine").await;
    let body = json!({"input": "Hi", "user_id": "anna", "session_id": "mine"});
    let said = house.client().post("/v1/request", &body).await;
    let id = said.body["request_id"].as_str().unwrap();
    for (seq, name) in ["processing", "routed", "result"].into_iter().enumerate() {
        let event = stream.next().await.unwrap();
        assert_eq!((event.name.as_str(), event.id), (name, format!("{id}:{seq}")));
        assert_eq!((&event.data["type"], &event.data["seq"]), (&json!(name), &json!(seq)));
    }
    let tell = async { assert_eq!(stream.names().await, ["shutdown"]) };
    tokio::join!(tell, house.close());
}

#[tokio::test]
async fn a_stream_is_for_a_session_of_ones_own() {
    let house = House::open().await;
    let none = house.user("anna").get("/v1/sse").await;
    assert_eq!(none.code(), (400, "invalid_request"));
    let said = house.client().say("anna", "Hi").await;
    let path = format!("/v1/sse?sessionId={}", said.body["session_id"].as_str().unwrap());
    assert_eq!(house.user("bob").get(&path).await.code(), (404, "session_not_found"));
    let ticket = house.client().post("/v1/tickets", &json!({"user_id": "anna"})).await;
    let ticket = ticket.body["ticket"].as_str().unwrap();
    let nobody = Client::new(house.address);
    let path = format!("{path}&ticket={ticket}");
    let response = nobody.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(nobody.get(&path).await.status, 401, "a ticket is good once");
}

#[tokio::test]
async fn who_comes_back_hears_the_rest_once() {
    let house = House::open().await;
    let anna = house.user("anna");
    let body = json!({"input": "Hi", "user_id": "anna", "session_id": "mine"});
    let first = house.client().post("/v1/request", &body).await;
    let second = house.client().post("/v1/request", &body).await;
    let id = |said: &crate::client::Answer| said.body["request_id"].as_str().unwrap().to_owned();
    let (first, second) = (id(&first), id(&second));
    let missed =
        [format!("{first}:2"), format!("{second}:0"), format!("{second}:1"), format!("{second}:2")];
    let mut resumed = subscribe(&anna, &format!("sessionId=mine&resumeFrom={first}:1")).await;
    for id in &missed {
        assert_eq!(resumed.next().await.unwrap().id, *id);
    }
    let again = anna.clone().header("last-event-id", &format!("{second}:1"));
    let mut resumed = subscribe(&again, "sessionId=mine").await;
    assert_eq!(resumed.next().await.unwrap().id, format!("{second}:2"));
    let mut socket = anna.socket(&format!("/ws?sessionId=mine&resumeFrom={first}:1")).await;
    for expected in &missed {
        let frame = socket.next().await;
        let id = format!("{}:{}", frame["requestId"].as_str().unwrap(), frame["seq"]);
        assert_eq!(id, *expected);
    }
    let mut lost = subscribe(&anna, &format!("sessionId=mine&resumeFrom={ID}:0")).await;
    let third = house.client().post("/v1/request", &body).await;
    let third = third.body["request_id"].as_str().unwrap();
    for stream in [&mut resumed, &mut lost] {
        assert_eq!(stream.next().await.unwrap().id, format!("{third}:0"), "then what comes");
    }
}

#[tokio::test]
async fn an_answer_can_be_heard_as_it_comes() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let client = house.client().header("x-request-id", ID);
    let script = async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn
    };
    let (mut stream, mut turn) = tokio::join!(client.events(ask(&client)), script);
    assert_eq!(stream.response.headers()["x-request-id"], ID);
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.id), ("accepted", format!("{ID}:0")));
    assert_eq!(first.data["payload"]["session_new"], true);
    turn.delta("a");
    let delta = stream.next().await.unwrap();
    assert_eq!((delta.name.as_str(), &delta.data["payload"]["text"]), ("delta", &json!("a")));
    turn.result();
    assert_eq!(stream.names().await, ["result"], "the stream ends with the turn");
}

#[tokio::test]
async fn what_fails_before_the_acceptance_is_a_plain_error() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let client = house.client();
    let script = async { turns.recv().await.unwrap().error("session_busy") };
    let (said, ()) = tokio::join!(answer(ask(&client)), script);
    assert_eq!(said.code(), (429, "session_busy"));
    assert_eq!(said.header("content-type"), "application/json");
    let script = async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn.error("agent_error");
    };
    let (mut stream, ()) = tokio::join!(client.events(ask(&client)), script);
    assert_eq!(stream.names().await, ["accepted", "error"]);
}

#[tokio::test]
async fn a_stream_that_was_lost_goes_on_where_it_broke_off() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let client = house.client().header("idempotency-key", "key-1");
    let script = async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn
    };
    let (mut stream, mut turn) = tokio::join!(client.events(ask(&client)), script);
    let id = stream.next().await.unwrap().id;
    drop(stream);
    turn.delta("missed");
    let again = client.clone().header("last-event-id", &id);
    let mut stream = again.events(ask(&again)).await;
    let event = stream.next().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["payload"]["text"]), ("delta", &json!("missed")));
    turn.delta("live");
    assert_eq!(stream.next().await.unwrap().data["payload"]["text"], "live");
    turn.result();
    assert_eq!(stream.names().await, ["result"]);
}
