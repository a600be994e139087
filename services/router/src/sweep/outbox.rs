use std::sync::Arc;

use chassis::webhook::{Letter, Webhook};
use chassis::{Redis, clock};
use serde_json::value::RawValue;

use super::ROWS;
use crate::clock::rfc3339;
use crate::engine::Engine;
use crate::store::Outgoing;

/// The stream that session events go to.
const STREAM: &str = "session-events";
/// About how many events the stream keeps.
const STREAM_LENGTH: usize = 100_000;
/// How long until an event that was not delivered is tried again.
const RETRY_MS: i64 = 5_000;

/// Where session events go.
pub(super) struct Mail {
    redis: Option<Redis>,
    webhook: Option<Webhook>,
}

#[derive(serde::Serialize)]
struct Told<'a> {
    event_id: &'a str,
    r#type: &'a str,
    session_id: &'a str,
    timestamp: String,
    payload: &'a RawValue,
}

impl Mail {
    pub(super) fn new(redis: Option<Redis>, webhook: Option<Webhook>) -> Self {
        Self { redis, webhook }
    }

    async fn stream(&self, event: &Outgoing) -> anyhow::Result<bool> {
        let Some(redis) = self.redis.as_ref().filter(|_| !event.is_streamed) else {
            return Ok(false);
        };
        let mut add = redis::cmd("XADD");
        add.arg(redis.key(STREAM)).arg("MAXLEN").arg("~").arg(STREAM_LENGTH).arg("*");
        add.arg("event_id").arg(&event.event_id).arg("type").arg(&event.event_type);
        add.arg("session_id").arg(&event.session_id).arg("payload").arg(&event.payload_json);
        let _: String = add.query_async(&mut redis.connection()).await?;
        Ok(true)
    }

    /// Whether the event arrived, or nobody wants to know.
    async fn post(&self, event: &Outgoing) -> anyhow::Result<bool> {
        let Some(webhook) = &self.webhook else { return Ok(true) };
        let told = Told {
            event_id: &event.event_id,
            r#type: &event.event_type,
            session_id: &event.session_id,
            timestamp: rfc3339(event.created_ms),
            payload: serde_json::from_str(&event.payload_json)?,
        };
        let body = serde_json::to_string(&told)?;
        let letter = Letter { id: &event.event_id, kind: &event.event_type, body };
        Ok(webhook.post(letter).await)
    }
}

/// Delivers events, at least once; from the first that does not arrive on they are tried again later.
pub(super) async fn deliver(engine: Arc<Engine>, mail: Arc<Mail>) -> anyhow::Result<()> {
    let now_ms = clock::now_ms();
    let next_ms = now_ms.saturating_add(RETRY_MS);
    for event in engine.store.outgoing(now_ms, next_ms, ROWS).await? {
        if mail.stream(&event).await? && mail.webhook.is_some() {
            engine.store.streamed(&event.event_id).await?;
        }
        if !mail.post(&event).await? {
            break;
        }
        engine.store.delivered(&event.event_id).await?;
    }
    Ok(())
}
