use std::sync::{Arc, Mutex};

use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use proto::v1::CloseSessionRequest;
use redis::streams::StreamRangeReply;
use serde_json::Value;

use crate::mesh::{Mesh, Message, agents, context, eventually, world};

/// A webhook that is out of order at first.
#[derive(Clone, Default)]
struct Webhook {
    letters: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    async fn start(&self) -> String {
        let letters = self.letters.clone();
        let take = async move |Json(letter): Json<Value>| {
            let mut letters = letters.lock().unwrap();
            letters.push(letter);
            if letters.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().route("/events", post(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/events")
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_told_until_it_was_heard() {
    // A process does so when it starts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let agents = agents().await;
    let webhook = Webhook::default();
    let url = webhook.start().await;
    let redis = chassis::testing::redis().await;
    let stores = (chassis::testing::sqlite().await, Some(redis.clone()));
    let mesh = Mesh::with(stores, &world(&agents), &[("EVENT_WEBHOOK_URL", &url)]).await;
    let body = mesh.say(&Message::new("ann", "sales please")).await.body();
    let session_id = body["session_id"].as_str().unwrap().to_owned();
    let request = CloseSessionRequest {
        context: Some(context(&Message::new("ann", ""))),
        session_id: session_id.clone(),
        ..CloseSessionRequest::default()
    };
    mesh.client().close_session(request).await.unwrap();
    let letters = eventually(async || {
        let letters = webhook.letters.lock().unwrap().clone();
        (letters.len() == 2).then_some(letters)
    })
    .await;
    assert_eq!(letters[0], letters[1], "what was not heard is said again");
    assert_eq!(letters[0]["type"], "session_closed");
    assert_eq!(letters[0]["payload"]["session_id"], session_id.as_str());
    assert_eq!(letters[0]["payload"]["status"], "completed");
    let mut range = redis::cmd("XRANGE");
    range.arg(redis.key("session-events")).arg("-").arg("+");
    let stream: StreamRangeReply = range.query_async(&mut redis.connection()).await.unwrap();
    assert_eq!(stream.ids.len(), 1, "once in the stream");
    let told: String = stream.ids[0].get("session_id").unwrap();
    assert_eq!(told, session_id);
}
