//! Events of state changes on their way to whoever wants to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chassis::testing;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::agent::Desk;
use crate::mesh::{Mesh, request};
use crate::registry::Shelf;

const LIMIT: Duration = Duration::from_secs(20);

/// A place for events that loses the first few.
#[derive(Clone)]
struct Inbox {
    lost: Arc<AtomicUsize>,
    letters: watch::Sender<Vec<(String, String, Value)>>,
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let is_lost =
        inbox.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if is_lost.is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let letter =
        (text("x-event-type"), text("idempotency-key"), serde_json::from_str(&body).unwrap());
    inbox.letters.send_modify(|letters| letters.push(letter));
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn each_state_change_is_delivered_once_and_in_order_although_some_tries_fail() {
    // What the process does at its start; another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    for database in testing::databases().await {
        let inbox =
            Inbox { lost: Arc::new(AtomicUsize::new(2)), letters: watch::Sender::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let routes = Router::new().route("/events", post(take)).with_state(inbox.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });

        let desk = Desk::plain().await;
        let shelf = Shelf::of(vec![desk.definition("refunds", &["refunds"])]);
        let mesh = Mesh::start(shelf, database.clone(), &[("EVENT_WEBHOOK_URL", &url)]).await;
        let request = request(&["refunds"]);
        mesh.transfer(&request).await.unwrap();
        mesh.complete(&request).await.unwrap();

        let mut letters = inbox.letters.subscribe();
        let all = letters.wait_for(|letters| 5 <= letters.len());
        let letters =
            tokio::time::timeout(LIMIT, all).await.expect("all events arrive").unwrap().clone();
        let types: Vec<&str> = letters.iter().map(|(name, ..)| name.as_str()).collect();
        let path = ["started", "compressed", "offered", "accepted", "completed"];
        assert_eq!(types, path.map(|state| format!("handoff.{state}")));
        for ((index, (_, key, body)), state) in letters.iter().enumerate().zip(path) {
            assert_eq!(*key, format!("{}/{index}", request.handoff_id));
            assert_eq!(
                (body["state"].as_str(), body["from_agent"].as_str()),
                (Some(state), Some("source"))
            );
            assert!(
                !body.to_string().contains("ORD-48213"),
                "an event tells nothing of what was said"
            );
        }
        server.abort();
    }
}
