//! What is done when nobody asks: turns whose router died are ended, sessions expire, charges and events get through.

use std::sync::Arc;
use std::time::Duration;

use chassis::Redis;
use chassis::webhook::Webhook;

use crate::engine::Engine;

mod charges;
mod handoffs;
mod outbox;
mod sessions;
mod turns;

const SETTLE_INTERVAL: Duration = Duration::from_secs(1);
const HANDOFF_INTERVAL: Duration = Duration::from_secs(2);
const OUTBOX_INTERVAL: Duration = Duration::from_millis(500);
const EXPIRY_INTERVAL: Duration = Duration::from_secs(1);
const RETENTION_INTERVAL: Duration = Duration::from_secs(3_600);
/// The most rows that one round of a chore takes.
const ROWS: i64 = 100;

/// Starts all chores; they end when the process does.
pub(crate) fn start(engine: &Arc<Engine>, redis: Option<Redis>) -> anyhow::Result<()> {
    let third = |whole_ms: i64| Duration::from_millis((whole_ms / 3).max(1).unsigned_abs());
    let lease = third(engine.config.turn.lease_ms).min(EXPIRY_INTERVAL);
    let expiry = third(engine.config.session.ttl_ms).min(EXPIRY_INTERVAL);
    every(engine, "dead turns", lease, turns::recover);
    every(engine, "session expiry", expiry, sessions::expire);
    every(engine, "session retention", RETENTION_INTERVAL, sessions::forget);
    every(engine, "settlements", SETTLE_INTERVAL, charges::settle);
    every(engine, "open handoffs", HANDOFF_INTERVAL, handoffs::recover);
    let webhook = engine.config.event_webhook.as_ref().map(Webhook::new).transpose()?;
    let mail = Arc::new(outbox::Mail::new(redis, webhook));
    every(engine, "session outbox", OUTBOX_INTERVAL, move |engine| {
        outbox::deliver(engine, mail.clone())
    });
    Ok(())
}

/// Does something now and then, and once more when the process ends.
fn every<F, Fut>(engine: &Arc<Engine>, name: &'static str, interval: Duration, chore: F)
where
    F: Fn(Arc<Engine>) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let engine = engine.clone();
    let life = engine.life.clone();
    let stop = life.token();
    life.spawn(name, async move {
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(interval) => {}
            }
            let done = chore(engine.clone()).await;
            // A store that is away would fill the log otherwise.
            match &done {
                Err(error) if !is_failing => {
                    tracing::warn!(chore = name, %error, "a chore was not done");
                }
                Ok(()) if is_failing => tracing::info!(chore = name, "a chore is done again"),
                _ => {}
            }
            is_failing = done.is_err();
            if stop.is_cancelled() {
                return;
            }
        }
    });
}
