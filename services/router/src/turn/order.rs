//! Step 2: turns of one session run one at a time, in the order of their acceptance.

use chassis::clock;

use super::Turn;
use crate::error::Error;
use crate::store::StoreError;

impl Turn {
    /// Waits until every earlier turn of the session has ended.
    pub(super) async fn order(&mut self) -> Result<(), Error> {
        if self.scene.is_some() {
            return Ok(());
        }
        let began = std::time::Instant::now();
        let (engine, lease) = (self.engine.clone(), self.tenure.lease.clone());
        let limits = engine.limits();
        let begun = engine.queue.until(&lease.session_id, || async {
            match engine.store.promote(&lease, &limits, clock::now_ms()).await {
                // The database may come back while the turn has time.
                Err(StoreError::Database(error)) => {
                    tracing::warn!(%error, "a waiting turn cannot look who is before it");
                    Ok(None)
                }
                looked => looked.map_err(Error::from),
            }
        });
        let (session, scene) = self.bounded(begun).await??;
        let is_active = session.is_active();
        self.session = session;
        self.scene = Some(scene);
        // The agents may have changed while the turn waited.
        self.agents = engine.roster.now()?;
        self.record.registry_generation = self.agents.generation();
        self.record.time("order", began);
        if is_active { Ok(()) } else { Err(Error::SessionClosed) }
    }
}
