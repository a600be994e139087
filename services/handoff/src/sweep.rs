//! What happens without being asked: transfers expire, events are delivered.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Life, clock};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tokio::time::MissedTickBehavior;
use url::Url;

use crate::exchange::{Error, Exchange};
use crate::store::Event;

/// Events that one round delivers.
const EVENTS_MAX: i64 = 100;
/// How long an event is kept that nobody takes, and how long what was told of a conversation.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long one delivery may take.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Sweeps until the process ends.
pub(crate) fn start(life: &Life, exchange: Arc<Exchange>) -> anyhow::Result<()> {
    let webhook = match &exchange.config.event_webhook {
        Some(url) => Some(Webhook::new(url)?),
        None => None,
    };
    let stop = life.token();
    life.spawn("handoff sweep", async move {
        let mut tick = tokio::time::interval(exchange.config.sweep_interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = sweep(&exchange, webhook.as_ref()).await {
                tracing::warn!(%error, "a sweep of handoffs broke off");
            }
        }
    });
    Ok(())
}

async fn sweep(exchange: &Exchange, webhook: Option<&Webhook>) -> Result<(), Error> {
    exchange.expire().await?;
    if let Some(webhook) = webhook {
        deliver(exchange, webhook).await?;
    }
    exchange.store.forget_before(clock::now_ms() - KEPT_MS).await?;
    Ok(())
}

/// Delivers events in their order; the first that fails is tried again in the next round.
async fn deliver(exchange: &Exchange, webhook: &Webhook) -> Result<(), Error> {
    for event in exchange.store.events(EVENTS_MAX).await? {
        if !webhook.post(&event).await {
            break;
        }
        exchange.store.delivered(&event).await?;
    }
    Ok(())
}

/// Who wants to know of state changes.
struct Webhook {
    client: Client,
    url: Url,
}

impl Webhook {
    fn new(url: &Url) -> reqwest::Result<Self> {
        let client = Client::builder().timeout(DELIVERY_TIMEOUT).no_proxy().build()?;
        Ok(Self { client, url: url.clone() })
    }

    /// Whether the event arrived.
    async fn post(&self, event: &Event) -> bool {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", format!("{}/{}", event.handoff_id, event.version))
            .header("X-Event-Type", &event.event_type)
            .body(event.payload_json.clone());
        match request.send().await.and_then(reqwest::Response::error_for_status) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(error = %error.without_url(), "an event was not delivered");
                false
            }
        }
    }
}
