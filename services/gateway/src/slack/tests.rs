use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use serde_json::json;
use std::collections::HashMap;

use super::*;

async fn answer(
    State(calls): State<Arc<AtomicUsize>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Json<Value> {
    calls.fetch_add(1, Ordering::Relaxed);
    assert_eq!(headers["authorization"], "Bearer xoxb-1");
    Json(match query["user"].as_str() {
        "U1" => json!({"ok": true, "profile": {
            "display_name": " ", "real_name": "Anna Berg", "email": "anna@shop.example",
            "fields": {"Xf1": {"value": "E-7", "alt": ""}},
        }}),
        "U404" => json!({"ok": false, "error": "user_not_found"}),
        _ => json!({"ok": false, "error": "ratelimited"}),
    })
}

async fn slack(field: &str) -> (Slack, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let router =
        Router::new().route("/api/users.profile.get", get(answer)).with_state(calls.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let employee_field = Some(field.to_owned());
    let config = config::Slack { token: "xoxb-1".to_owned(), employee_field, base };
    (Slack::new(config).unwrap(), calls)
}

fn anna(employee_id: Option<&str>) -> Profile {
    Profile { employee_id: employee_id.map(str::to_owned), name: Some("Anna Berg".to_owned()) }
}

#[tokio::test]
async fn a_profile_tells_employee_and_name_and_is_remembered() {
    let (slack, calls) = slack("Xf1").await;
    for _ in 0..3 {
        assert_eq!(slack.profile("U1").await.unwrap(), anna(Some("E-7")));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_field_of_slack_itself_will_do() {
    assert_eq!(
        slack("email").await.0.profile("U1").await.unwrap(),
        anna(Some("anna@shop.example"))
    );
    assert_eq!(slack("nothing").await.0.profile("U1").await.unwrap(), anna(None));
}

#[tokio::test]
async fn an_unknown_user_is_refused_and_any_other_failure_is_not() {
    let (slack, _) = slack("Xf1").await;
    assert_eq!(slack.profile("U404").await.unwrap_err().code(), "employee_not_found");
    assert_eq!(slack.profile("U5").await.unwrap(), Profile::default());
    let base = "http://127.0.0.1:1".parse().unwrap();
    let away = config::Slack { token: "t".to_owned(), employee_field: None, base };
    assert_eq!(Slack::new(away).unwrap().profile("U1").await.unwrap(), Profile::default());
}
