//! The program as a person starts it: `mesh`, with nothing set but where it may listen and store.

use chassis::testing;
use serde_json::json;

use crate::client::Client;
use crate::program::{Running, free, mesh, said, signal};

async fn ask(client: &Client, user: &str, input: &str) -> serde_json::Value {
    let body = json!({"input": input, "user_id": user}).to_string();
    let headers = [("x-api-key", "dev-key"), ("content-type", "application/json")];
    let answer = client.raw("/v1/request", &headers, body.into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn one_command_serves_the_four_desks_and_a_booking_is_made_over_several_turns() {
    let Running { folder, http, greeting, mut child, .. } = Running::start(testing::folder()).await;
    let started = format!("Server started on port {}, agents loaded: 4", http.port());
    assert!(greeting.contains(&started), "{greeting}");
    assert!(greeting.contains(&format!("curl -s http://{http}/v1/request")), "{greeting}");
    let client = Client::new(http, "user-1");
    assert_eq!(ask(&client, "user-1", "I need help with my order").await["agent_id"], "support");
    assert_eq!(ask(&client, "user-2", "How much is the Rosso One?").await["agent_id"], "sales");
    let booking = ask(&client, "user-3", "I want to book an appointment").await;
    assert_eq!(booking["agent_id"], "booking", "{booking}");
    let mut last = booking;
    for words in ["grinder service", "next Tuesday", "at 10:00", "Ada Lovelace"] {
        if last["workflow_complete"] == true {
            break;
        }
        last = ask(&client, "user-3", words).await;
        assert_eq!(last["agent_id"], "booking", "{last}");
    }
    assert_eq!(last["workflow_complete"], true, "{last}");

    let second = said(mesh(&folder).env("PORT", free(1).port().to_string())).await;
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("in use by another process"), "{}", second.err);

    signal(&child, "-TERM");
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "its work was done");
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let mesh = Running::start(testing::folder()).await;
    let first = ask(&Client::new(mesh.http, "u"), "user-1", "I need help with my order").await;
    let mesh = mesh.again().await;
    let next = ask(&Client::new(mesh.http, "u"), "user-1", "It is about a late delivery").await;
    assert_eq!(next["session_id"], first["session_id"]);
    assert_eq!(next["agent_id"], "support");
    assert_eq!(next["budget"]["remaining_usd"], json!(9.999), "two answers of 0.0005");
}

#[tokio::test]
async fn every_wrong_setting_is_named_before_anything_starts() {
    let folder = testing::folder();
    let wrong = [
        ("MESH_ENV", "production"),
        ("PORT", "many"),
        ("ENABLE_CLARIFICATION", "perhaps"),
        ("BUDGET_BATCH_MAX", "0"),
        ("HANDOFF_POLICY", "kind"),
    ];
    let said = said(mesh(&folder).envs(wrong)).await;
    assert_eq!(said.code, Some(1));
    for name in ["PORT", "ENABLE_CLARIFICATION", "BUDGET_BATCH_MAX", "HANDOFF_POLICY", "API_KEY"] {
        assert!(said.err.contains(name), "{name} is not named: {}", said.err);
    }
    assert!(!folder.join("mesh.db").exists(), "nothing was started");
}
