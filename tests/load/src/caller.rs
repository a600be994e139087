//! Callers that ask one question after another and note how long each answer took.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

/// The most that one answer may take before the run gives up.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Whom to call, and whose CPU time and memory it costs.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) processes: Vec<u32>,
}

/// The answers of one window.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Microseconds, ascending.
    pub(crate) micros: Vec<u64>,
    pub(crate) window: Duration,
}

impl Answers {
    /// The time within which this share of the answers came, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a few million microseconds")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of the list"
    )]
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.micros.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.micros.get(at).copied().unwrap_or_default() as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a few million answers")]
    pub(crate) fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.window.as_secs_f64()
    }
}

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) callers: u16,
    /// How many messages a conversation has; then the caller begins another one.
    pub(crate) messages: u32,
    pub(crate) window: Duration,
}

/// Lets a crowd ask. An answer other than 200 ends the run.
pub(crate) async fn run(target: &Target, crowd: Crowd) -> anyhow::Result<Answers> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    let end = start + crowd.window;
    for caller in 0..crowd.callers {
        tasks.spawn(ask(target.address, caller, crowd.messages, end));
    }
    let mut answers = Answers::default();
    while let Some(micros) = tasks.join_next().await {
        answers.micros.append(&mut micros.context("a caller panicked")??);
    }
    answers.window = start.elapsed();
    answers.micros.sort_unstable();
    Ok(answers)
}

async fn ask(
    address: SocketAddr,
    caller: u16,
    messages: u32,
    end: Instant,
) -> anyhow::Result<Vec<u64>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let run = uuid::Uuid::new_v4().simple().to_string();
    let mut body = Bytes::new();
    let mut micros = Vec::new();
    for message in 0.. {
        if end <= Instant::now() {
            break;
        }
        if message % messages == 0 {
            let conversation = message / messages;
            body = Bytes::from(format!(
                r#"{{"input":"I need help with my order 1042","user_id":"caller-{caller}","session_id":"{run}-{conversation}"}}"#
            ));
        }
        let request = Request::post(format!("http://{address}/v1/request"))
            .header("content-type", "application/json")
            .header("x-api-key", fleet::KEY)
            .body(Full::new(body.clone()))?;
        let start = Instant::now();
        let answer = async {
            let response = client.request(request).await?;
            let status = response.status();
            let text = response.into_body().collect().await?.to_bytes();
            anyhow::ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&text));
            Ok(())
        };
        tokio::time::timeout(ANSWER_LIMIT, answer).await.context("no answer")??;
        micros.push(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(micros)
}
