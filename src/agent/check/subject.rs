//! The agent that is checked, as the router would call it.

use std::sync::Mutex;
use std::time::Duration;

use proto::v1::Agent;
use router::dispatch::{Call, DispatchSettings, Dispatcher, Failure, Reply};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Arguments, direct};

/// How many parts of one answer are kept.
const PARTS_MAX: usize = 1_024;

/// The agent that is checked.
pub(super) struct Subject {
    agent: Agent,
    dispatcher: Dispatcher,
    input: String,
    language: String,
    pub(super) limit: Duration,
    slowest: Mutex<Duration>,
}

/// What became of one call.
pub(super) struct Heard {
    /// What the router would make of it.
    pub(super) outcome: Result<Reply, Failure>,
    /// What was said before the answer.
    pub(super) parts: Vec<String>,
}

impl Subject {
    /// An agent at its endpoint, which may be any address: it is its author who asks.
    pub(super) fn new(arguments: &Arguments, limit: Duration) -> Self {
        let url = &arguments.url;
        let settings = DispatchSettings {
            max_retries: 0,
            allowlist: vec![direct::authority(url)],
            ..DispatchSettings::default()
        };
        let timeout_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let agent = Agent {
            agent_id: "checked".to_owned(),
            endpoint: url.to_string(),
            timeout_ms: Some(timeout_ms),
            ..Agent::default()
        };
        Self {
            agent,
            dispatcher: Dispatcher::new(settings, chassis::connect::system()),
            input: arguments.input.clone(),
            language: arguments.language.clone(),
            limit,
            slowest: Mutex::default(),
        }
    }

    /// The arguments of a call in a new session.
    pub(super) fn arguments(&self) -> Map<String, Value> {
        let texts = [
            ("session_id", Uuid::new_v4().to_string()),
            ("request_id", Uuid::new_v4().to_string()),
            ("employee_id", "mesh-agent-check".to_owned()),
            ("display_name", "mesh agent check".to_owned()),
            ("intent_summary", self.input.clone()),
            ("detected_language", self.language.clone()),
            ("raw_input", self.input.clone()),
        ];
        let texts = texts.map(|(name, text)| (name, Value::String(text)));
        let others =
            [("entities", json!({})), ("turn_history", json!([])), ("workflow_state", json!({}))];
        texts.into_iter().chain(others).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Calls `handle_message`.
    pub(super) async fn hear(&self, arguments: Map<String, Value>) -> Heard {
        let (deltas, mut spoken) = mpsc::channel(PARTS_MAX);
        let request_id = arguments.get("request_id").and_then(Value::as_str).unwrap_or_default();
        let call = Call {
            request_id: request_id.to_owned(),
            charge_id: format!("{request_id}/1/0"),
            arguments,
            verbatim: Vec::new(),
            traceparent: None,
            deadline: Instant::now() + self.limit,
            deltas,
            cancel: CancellationToken::new(),
        };
        let started = Instant::now();
        let listening = async {
            let mut parts = Vec::new();
            while let Some(part) = spoken.recv().await {
                if parts.len() < PARTS_MAX {
                    parts.push(part);
                }
            }
            parts
        };
        let calling = Box::pin(self.dispatcher.call(&self.agent, 1, call));
        let (outcome, parts) = tokio::join!(calling, listening);
        let mut slowest = self.slowest.lock().expect("nobody panics with it");
        *slowest = slowest.max(started.elapsed());
        Heard { outcome, parts }
    }

    /// The longest that a call took so far.
    pub(super) fn slowest(&self) -> Duration {
        *self.slowest.lock().expect("nobody panics with it")
    }
}
