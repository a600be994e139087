//! Events on their way to the webhook: at least once, in the order of commits, by one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use chassis::webhook::{Letter, Webhook};
use chassis::{Life, clock};
use chrono::{SecondsFormat, TimeZone as _, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;
use crate::store::{Store, StoredEvent};

/// How often somebody looks for new events.
const POLL: Duration = Duration::from_millis(500);
/// How long a replica has for one page; then it is anybody's turn.
const TURN_MS: i64 = 60_000;
/// How long until an event that did not arrive is tried again.
const RETRY_MS: i64 = 5_000;
/// Events of one turn. Each may take five seconds, so that a page that is too slow is cut short by the turn.
const PAGE: i64 = 100;
/// How long an event is kept that nobody takes.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

struct Mail {
    store: Arc<dyn Store>,
    webhook: Webhook,
}

/// An event as it is told.
#[derive(Serialize)]
struct Told<'a> {
    event_id: &'a str,
    r#type: &'a str,
    tenant: &'a str,
    scope: Scope<'a>,
    period_id: &'a str,
    timestamp: String,
    payload: &'a RawValue,
}

#[derive(Serialize)]
struct Scope<'a> {
    r#type: &'a str,
    key: &'a str,
}

/// Delivers until the process ends.
pub(crate) fn start(store: Arc<dyn Store>, webhook: Webhook, life: &Life) {
    let mail = Mail { store, webhook };
    let stop = life.token();
    life.spawn("budget mail", async move {
        while stop.run_until_cancelled(tokio::time::sleep(POLL)).await.is_some() {
            if let Err(error) = mail.deliver().await {
                tracing::warn!(%error, "events of the budget cannot be read now");
            }
        }
    });
}

impl Mail {
    async fn deliver(&self) -> Result<(), Error> {
        let begin_ms = clock::now_ms();
        let Some(mut last) = self.store.claim_mail(begin_ms, begin_ms + TURN_MS).await? else {
            return Ok(());
        };
        let mut due_ms = begin_ms;
        for event in self.store.events(None, last, PAGE).await? {
            let is_too_old = event.timestamp_ms < begin_ms - KEPT_MS;
            if begin_ms + TURN_MS / 2 < clock::now_ms() {
                break;
            }
            if !is_too_old && !self.post(&event).await? {
                due_ms = clock::now_ms() + RETRY_MS;
                break;
            }
            last = event.id;
        }
        self.store.mailed(last, due_ms).await
    }

    async fn post(&self, event: &StoredEvent) -> Result<bool, Error> {
        let id = format!("budget-{}", event.id);
        let time = Utc.timestamp_millis_opt(event.timestamp_ms).single().unwrap_or_default();
        let told = Told {
            event_id: &id,
            r#type: &event.kind,
            tenant: &event.tenant,
            scope: Scope { r#type: &event.scope_type, key: &event.scope_key },
            period_id: &event.period_id,
            timestamp: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            payload: serde_json::from_str(&event.payload)?,
        };
        let body = serde_json::to_string(&told)?;
        Ok(self.webhook.post(Letter { id: &id, kind: &event.kind, body }).await)
    }
}
