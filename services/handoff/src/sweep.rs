//! What happens without being asked: transfers expire, events are delivered.

use std::sync::Arc;

use chassis::webhook::{Letter, Webhook};
use chassis::{Life, clock};
use tokio::time::MissedTickBehavior;

use crate::exchange::{Error, Exchange};

/// Events that one round delivers.
const EVENTS_MAX: i64 = 100;
/// How long an event is kept that nobody takes, and how long what was told of a conversation.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// Sweeps until the process ends.
pub(crate) fn start(life: &Life, exchange: Arc<Exchange>) -> anyhow::Result<()> {
    let webhook = exchange.config.event_webhook.as_ref().map(Webhook::new).transpose()?;
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
        let id = format!("{}/{}", event.handoff_id, event.version);
        let letter = Letter { id: &id, kind: &event.event_type, body: event.payload_json.clone() };
        if !webhook.post(letter).await {
            break;
        }
        exchange.store.delivered(&event).await?;
    }
    Ok(())
}
