use serde_json::{Value, json};

use crate::house::{Client, House, arguments, call, reply};

/// A conversation whose state goes to and fro, as the mesh keeps it.
async fn converse(client: &Client, session: &str, texts: &[&str]) -> Vec<Value> {
    let (mut state, mut replies) = (json!({}), Vec::new());
    for (turn, text) in texts.iter().enumerate() {
        let result = call(client, arguments(session, &format!("turn {turn}"), text, &state)).await;
        let reply = reply(&result);
        state = reply["workflow_state"].clone();
        replies.push(reply);
    }
    replies
}

fn content(reply: &Value) -> &str {
    reply["content"].as_str().expect("a text")
}

#[tokio::test]
async fn every_desk_lists_the_tool_with_its_schemas() {
    let house = House::open().await;
    for desk in ["sales", "support", "booking", "default-agent"] {
        let client = house.client(desk).await;
        let tools = client.list_all_tools().await.expect("tools");
        assert_eq!(tools.len(), 1);
        let tool = serde_json::to_value(&tools[0]).expect("a tool");
        assert_eq!(tool["name"], "handle_message");
        assert_eq!(
            tool["inputSchema"]["required"],
            json!(["session_id", "request_id", "raw_input"])
        );
        for argument in
            ["employee_id", "turn_history", "workflow_state", "budget", "handoff", "entities"]
        {
            assert!(
                tool["inputSchema"]["properties"].get(argument).is_some(),
                "{desk}: {argument}"
            );
        }
        assert!(tool["outputSchema"]["properties"].get("content").is_some(), "{desk}");
        client.cancel().await.expect("the client ends");
    }
}

#[tokio::test]
async fn the_sample_calls_are_answered() {
    let house = House::open().await;
    let cases = [
        ("support", "I need help with my order", "What is the order number?"),
        ("sales", "How much is the Rosso Duo?", "€799"),
        ("booking", "I need to book an appointment", "Which service would you like?"),
        ("default-agent", "hello", "welcome to Lantern Lane Coffee Works"),
    ];
    for (desk, text, expected) in cases {
        let client = house.client(desk).await;
        let replies = converse(&client, "user-1", &[text]).await;
        assert!(content(&replies[0]).contains(expected), "{desk}: {}", replies[0]);
        assert_eq!(replies[0]["workflow_complete"], false);
        assert_eq!(replies[0]["usage"]["cost_usd"], 0.0005);
        assert!(0 < replies[0]["usage"]["output_tokens"].as_i64().expect("a count"));
    }
}

#[tokio::test]
async fn a_booking_is_made_over_several_calls() {
    let house = House::open().await;
    let client = house.client("booking").await;
    let texts = ["book a tasting please", "the first one", "Anna Byrne", "when is my appointment?"];
    let replies = converse(&client, "user-1", &texts).await;
    assert!(content(&replies[0]).contains("The next free times are"), "{}", replies[0]);
    assert!(content(&replies[1]).contains("What name"), "{}", replies[1]);
    assert!(content(&replies[2]).starts_with("Booked, Anna Byrne"), "{}", replies[2]);
    assert_eq!(replies[2]["workflow_complete"], true);
    assert!(content(&replies[3]).contains("Your Tasting and machine demo is on"), "{}", replies[3]);
}

#[tokio::test]
async fn a_seat_is_never_given_twice_over_parallel_connections() {
    const CALLERS: usize = 12;
    let house = House::open().await;
    let offer = converse(&house.client("booking").await, "first", &["book a tasting please"]).await;
    let state = offer[0]["workflow_state"].clone();
    let mut calls = Vec::new();
    for caller in 0..CALLERS {
        let (client, state) = (house.client("booking").await, state.clone());
        calls.push(tokio::spawn(async move {
            let session = format!("user-{caller}");
            reply(
                &call(&client, arguments(&session, "turn", "the first one, my name is Bo", &state))
                    .await,
            )
        }));
    }
    let mut booked = 0;
    for call in calls {
        let reply = call.await.expect("no call panics");
        booked += usize::from(content(&reply).starts_with("Booked"));
    }
    assert_eq!(booked, 1);
}

#[tokio::test]
async fn the_same_call_gets_the_same_reply() {
    let house = House::open().await;
    let client = house.client("sales").await;
    let first = call(&client, arguments("s", "r", "how much is the Rosso Duo?", &json!({}))).await;
    let again = call(&client, arguments("s", "r", "how much is the Rosso Duo?", &json!({}))).await;
    let other = call(&client, arguments("s", "r2", "how much is the Rosso One?", &json!({}))).await;
    assert_eq!(reply(&first), reply(&again));
    assert_ne!(reply(&first), reply(&other));
}

#[tokio::test]
async fn a_broken_diary_is_an_error_that_may_be_tried_again() {
    let house = House::open().await;
    let client = house.client("booking").await;
    let file = format!("sqlite://{}", house.folder.path().join("desk.db").display());
    let diary = sqlx::SqlitePool::connect(&file).await.expect("the diary");
    sqlx::query("ALTER TABLE taken RENAME TO lost").execute(&diary).await.expect("it is broken");
    let text = "book a tasting please";
    let broken = call(&client, arguments("s", "r", text, &json!({}))).await;
    assert_eq!(broken.is_error, Some(true));
    let broken = serde_json::to_value(&broken).expect("a result");
    assert_eq!(broken["_meta"]["retryable"], true);
    assert_eq!(broken["content"][0]["text"], "the desk cannot answer at the moment");
    sqlx::query("ALTER TABLE lost RENAME TO taken").execute(&diary).await.expect("it is mended");
    let mended = reply(&call(&client, arguments("s", "r", text, &json!({}))).await);
    assert!(content(&mended).contains("The next free times are"), "{mended}");
}
