//! Front ends that speak to OpenAI.

use proto::v1::ConverseRequest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::house::House;

const PATH: &str = "/v1/chat/completions";

fn body(stream: bool) -> Value {
    let messages = json!([
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]);
    json!({"model": "mesh", "user": "anna", "stream": stream, "messages": messages})
}

#[tokio::test]
async fn a_completion_is_an_answer_of_the_mesh() {
    let house = House::open().await;
    let client = house.client().header("x-session-id", "mine");
    let said = client.post(PATH, &body(false)).await;
    assert_eq!(said.status, 200, "{}", said.text);
    assert_eq!(
        (&said.body["object"], &said.body["model"]),
        (&json!("chat.completion"), &json!("mesh"))
    );
    let choice = &said.body["choices"][0];
    assert_eq!(choice["message"], json!({"role": "assistant", "content": "Hi"}));
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(said.header("x-budget-remaining"), "9.99964");
    assert!(!said.header("x-session-id").is_empty(), "the next message may name it");
    let asked: Vec<ConverseRequest> = house.behind.router.calls("Router/Converse");
    assert_eq!(asked[0].context.as_ref().unwrap().user_id, "anna");
    assert_eq!(asked[0].session_ref.as_deref(), Some("mine"));
}

#[tokio::test]
async fn failures_have_the_shape_that_such_front_ends_read() {
    let house = House::open().await;
    let nobody = Client::new(house.address).post(PATH, &body(false)).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.body["error"]["code"], "authentication_required");
    assert_eq!(nobody.body["error"]["type"], "authentication_error");
    let odd = house.client().post(PATH, &json!({"user": "anna"})).await;
    assert_eq!((odd.status, &odd.body["error"]["code"]), (400, &json!("invalid_request")));
    let message = odd.body["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("messages: has no message of the user."), "{message}");
    let mut turns = house.behind.wait_for_turns();
    let client = house.client();
    let asked = body(true);
    let script = async { turns.recv().await.unwrap().error("budget_exceeded") };
    let (early, ()) = tokio::join!(client.post(PATH, &asked), script);
    assert_eq!((early.status, &early.body["error"]["code"]), (402, &json!("budget_exceeded")));
    assert_eq!(house.client().post("/api/v1/chat/completions", &body(false)).await.status, 404);
}

#[tokio::test]
async fn a_stream_tells_the_answer_in_pieces() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let client = house.client();
    let script = async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn.delta("H");
        turn.result();
    };
    let ask = async {
        let response = client.request(Method::POST, PATH).json(&body(true)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(!response.headers()["x-session-id"].is_empty());
        response.text().await.unwrap()
    };
    let (text, ()) = tokio::join!(ask, script);
    let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(data.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        data[..data.len() - 1].iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let told: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(told, "Hi", "the piece and the rest");
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk"));
}

#[tokio::test]
async fn the_mesh_is_the_only_model_that_is_offered() {
    let house = House::open().await;
    let said = house.client().get("/v1/models").await;
    assert_eq!((said.status, &said.body["object"]), (200, &json!("list")));
    assert_eq!(said.body["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(said.body["data"][0]["id"], "mesh", "{}", said.text);
    let nobody = Client::new(house.address).get("/v1/models").await;
    assert_eq!(
        (nobody.status, &nobody.body["error"]["type"]),
        (401, &json!("authentication_error"))
    );
}
