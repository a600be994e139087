use std::sync::Arc;

use chassis::clock;

use super::ROWS;
use crate::charge::carry_out;
use crate::engine::Engine;

/// How long until a charge that was not confirmed is tried again.
const RETRY_MS: i64 = 5_000;

/// Forgets charges that are confirmed, and repeats the others until they are.
pub(super) async fn settle(engine: Arc<Engine>) -> anyhow::Result<()> {
    let confirmed = engine.confirmed.take();
    if !confirmed.is_empty() {
        engine.store.settled(&confirmed).await?;
    }
    let now_ms = clock::now_ms();
    let next_ms = now_ms.saturating_add(RETRY_MS);
    for owed in engine.store.settlements(now_ms, next_ms, ROWS).await? {
        match carry_out(&engine.peers, &owed).await {
            Ok(_) => engine.store.settled(&[owed.charge_id]).await?,
            Err(error) => {
                let (charge_id, tries) = (&owed.charge_id, owed.tries);
                tracing::warn!(charge_id, tries, %error, "a charge is still not confirmed");
            }
        }
    }
    Ok(())
}
