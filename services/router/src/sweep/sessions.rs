use std::sync::Arc;

use chassis::clock;

use super::ROWS;
use crate::engine::Engine;

/// Ends sessions whose time is over.
pub(super) async fn expire(engine: Arc<Engine>) -> anyhow::Result<()> {
    for session in engine.store.expire(clock::now_ms(), ROWS).await? {
        let session_id = &session.session_id;
        tracing::info!(
            audit = true,
            event_type = "session.closed",
            session_id,
            status = session.status.name(),
            outcome = "success",
            "a session expired"
        );
        if !session.active_agent.is_empty() {
            engine.peers.release_slot(&session.active_agent, session_id).await;
        }
    }
    Ok(())
}

/// Forgets what ended long ago.
pub(super) async fn forget(engine: Arc<Engine>) -> anyhow::Result<()> {
    let before_ms = clock::now_ms().saturating_sub(engine.config.session.retention_ms);
    let forgotten = engine.store.forget(before_ms, ROWS).await?;
    if 0 < forgotten {
        tracing::info!(forgotten, "sessions that ended long ago were forgotten");
    }
    Ok(())
}
