//! A server on loopback that speaks the wire formats of the providers and answers what the test scripts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    OpenAi,
    Gemini,
    Anthropic,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Text(&'static str),
    Status(u16),
    Garbage,
    Flood,
    Hang,
}

#[derive(Clone)]
struct Script {
    format: Format,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

pub(crate) struct ModelServer {
    url: String,
    script: Script,
    task: tokio::task::JoinHandle<()>,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Anthropic => "anthropic",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Gemini => "/v1/models/test-model:generateContent",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// The header that proves who calls, and its value.
    fn proof(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenAi => ("authorization", "Bearer secret-key"),
            Self::Gemini => ("x-goog-api-key", "secret-key"),
            Self::Anthropic => ("x-api-key", "secret-key"),
        }
    }

    /// Where the question stands in a body of this format.
    fn question(self) -> &'static str {
        match self {
            Self::OpenAi => "/messages/1/content",
            Self::Gemini => "/contents/0/parts/0/text",
            Self::Anthropic => "/messages/0/content",
        }
    }

    fn answer(self, text: &str) -> Value {
        match self {
            Self::OpenAi => {
                json!({"id": "1", "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})
            }
            Self::Gemini => {
                json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]})
            }
            Self::Anthropic => {
                json!({"type": "message", "content": [{"type": "thinking"}, {"type": "text", "text": text}]})
            }
        }
    }
}

impl ModelServer {
    pub(crate) async fn start(format: Format) -> Self {
        let script = Script { format, replies: Arc::default(), heard: Arc::default() };
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let task =
            tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { url, script, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.script.replies.lock().expect("no panic") = replies.into_iter().collect();
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.script.heard.lock().expect("no panic").clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (name, value) = script.format.proof();
    let is_proven = request.headers().get(name).is_some_and(|header| header == value);
    if request.uri().path() != script.format.path() || !is_proven {
        return StatusCode::NOT_FOUND.into_response();
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let body: Value = serde_json::from_slice(&body).expect("a JSON body");
    let question = body.pointer(script.format.question()).expect("a question");
    script.heard.lock().expect("no panic").push(question.to_string());
    let reply = script.replies.lock().expect("no panic").pop_front();
    match reply.expect("the test scripts every call") {
        Reply::Text(text) => axum::Json(script.format.answer(text)).into_response(),
        Reply::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Reply::Garbage => "<html>busy</html>".into_response(),
        Reply::Flood => Body::from(vec![b' '; 1 << 20]).into_response(),
        Reply::Hang => std::future::pending().await,
    }
}
