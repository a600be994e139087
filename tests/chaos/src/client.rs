//! HTTP as a customer speaks it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::catalogue::{self, Meaning};

/// The most that one answer may take: a little more than a turn.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);

/// What a user says, once.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who says it.
    pub user: String,
    /// What.
    pub input: String,
    /// Under which id.
    pub request_id: String,
    /// The conversation that the user means, by the user's own name for it.
    pub thread: Option<&'static str>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether it says that it was given before.
    pub is_replay: bool,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// A text of the body; empty when there is none.
    pub fn text_at(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// What its code means, if it has one that fits its status.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        let meaning = catalogue::meaning(self.text_at("code"))?;
        (meaning.status == self.status).then_some(meaning)
    }
}

/// Connections to all gateways.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    gateways: Vec<SocketAddr>,
}

impl Client {
    /// A client of these gateways.
    pub fn new(gateways: &[SocketAddr]) -> anyhow::Result<Self> {
        chassis::telemetry::choose_tls();
        let http = reqwest::Client::builder().timeout(ANSWER_LIMIT).no_proxy().build()?;
        Ok(Self { http, gateways: gateways.to_vec() })
    }

    /// Says something at a gateway; nothing when there was no answer.
    pub async fn say(&self, gateway: usize, message: &Message) -> Option<Answer> {
        let mut body = json!({"input": message.input, "user_id": message.user});
        if let Some(thread) = message.thread {
            body["session_id"] = json!(thread);
        }
        let request = self.http.post(self.url(gateway, "/api/v1/request"));
        let request = request.header("x-api-key", fleet::KEY);
        let request = request.header("x-request-id", &message.request_id).json(&body);
        let response = request.send().await.ok()?;
        let (status, is_replay) = (response.status().as_u16(), is_replay(response.headers()));
        let text = response.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Some(Answer { status, is_replay, text, body })
    }

    /// Whether a gateway says that all is well.
    pub async fn is_healthy(&self, gateway: usize) -> bool {
        let Ok(response) = self.http.get(self.url(gateway, "/health/deep")).send().await else {
            return false;
        };
        let body: Value = response.json().await.unwrap_or_default();
        body["status"] == "healthy"
    }

    fn url(&self, gateway: usize, path: &str) -> String {
        format!("http://{}{path}", self.gateways[gateway % self.gateways.len()])
    }
}

fn is_replay(headers: &HeaderMap) -> bool {
    headers.get("idempotent-replay").is_some_and(|value| value == "true")
}
