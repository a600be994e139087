//! Events on their way to the webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::world::{World, plain, scope};

const LIMIT: Duration = Duration::from_secs(20);

/// A place for events that loses the first.
#[derive(Clone)]
struct Inbox {
    lost: Arc<AtomicUsize>,
    letters: watch::Sender<Vec<(String, Value)>>,
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    if inbox.lost.fetch_add(1, Ordering::SeqCst) == 0 {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = headers["idempotency-key"].to_str().unwrap().to_owned();
    let letter = (id, serde_json::from_str(&body).unwrap());
    inbox.letters.send_modify(|letters| letters.push(letter));
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn what_happens_to_an_account_is_told_to_the_webhook_in_order_until_it_was_heard() {
    // What the process does at its start; another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    for database in chassis::testing::databases().await {
        let inbox =
            Inbox { lost: Arc::new(AtomicUsize::new(0)), letters: watch::Sender::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let routes = Router::new().route("/events", post(take)).with_state(inbox.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let settings = [("EVENT_WEBHOOK_URL", url.as_str())];
        let first = World::open(&database, &settings).await;
        let _second = World::open(&database, &settings).await;
        let user = scope("user", "ann");
        first.limit(user.clone(), 100, plain()).await;
        first.reserve("c", std::slice::from_ref(&user), 90).await;
        first.settle("c", 90).await;
        first.reserve("d", std::slice::from_ref(&user), 20).await;
        let mut letters = inbox.letters.subscribe();
        let heard = letters.wait_for(|letters| 3 <= letters.len());
        let heard = tokio::time::timeout(LIMIT, heard).await.unwrap().unwrap().clone();
        let kinds: Vec<_> = heard.iter().map(|(_, body)| body["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["state-change", "threshold-breach", "hard-stop"]);
        let (id, body) = &heard[0];
        assert_eq!((id.as_str(), &body["event_id"]), ("budget-1", &json!("budget-1")));
        assert_eq!(body["scope"], json!({"type": "user", "key": "ann"}));
        assert_eq!(body["payload"], json!({"from": "active", "to": "warned"}));
        assert_eq!((&body["tenant"], &body["period_id"]), (&json!("default"), &json!("none")));
        server.abort();
    }
}
