use std::sync::Arc;

use chassis::clock;
use proto::v1::{AbortRequest, CompleteRequest, Context, HandoffRecord, ListHandoffsRequest};

use super::ROWS;
use crate::engine::Engine;
use crate::store::StoreError;

/// Completes handoffs whose switch was committed, and aborts those whose switch never will be.
pub(super) async fn recover(engine: Arc<Engine>) -> anyhow::Result<()> {
    let request = ListHandoffsRequest {
        context: Some(Context::default()),
        state: "accepted".to_owned(),
        session_id: String::new(),
        lease_before_ms: Some(clock::now_ms()),
        all_tenants: true,
        limit: ROWS,
    };
    for record in engine.peers.handoffs(request).await? {
        if let Err(error) = resolve(&engine, &record).await {
            let handoff_id = &record.handoff_id;
            tracing::warn!(handoff_id, %error, "an open handoff was not resolved");
        }
    }
    Ok(())
}

async fn resolve(engine: &Engine, record: &HandoffRecord) -> anyhow::Result<()> {
    let context = Context {
        tenant: record.tenant.clone(),
        user_id: record.user_id.clone(),
        ..Context::default()
    };
    let handoff_id = record.handoff_id.clone();
    if let Some(agent_id) = engine.store.switched(&handoff_id).await? {
        let request = CompleteRequest {
            context: Some(context),
            handoff_id,
            session_id: record.session_id.clone(),
            agent_id,
            slot_ttl_ms: engine.config.session.ttl_ms,
        };
        engine.peers.complete(request).await?;
        return Ok(());
    }
    match engine.store.session(&record.tenant, None, &record.session_id).await {
        // The turn that would commit the switch is still under way.
        Ok(session) if 0 < session.open_turns => return Ok(()),
        Ok(_) | Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let reason = "the switch was not committed".to_owned();
    engine.peers.abort(AbortRequest { context: Some(context), handoff_id, reason }).await?;
    Ok(())
}
