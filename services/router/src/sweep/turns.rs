use std::sync::Arc;
use std::time::Duration;

use chassis::clock;
use futures::StreamExt as _;

use super::ROWS;
use crate::ending::Ending;
use crate::engine::Engine;
use crate::record::Record;
use crate::session::Change;
use crate::store::{Lease, Mark, Order, Orphan, Page, Settlement, StoreError};

/// How many places are given back at once, and how long all of them may take: well within the lease.
const RELEASES_AT_ONCE: usize = 16;
const RELEASE_LIMIT: Duration = Duration::from_millis(500);
/// How many calls a turn may have prepared, as far as its charges are looked for.
const DISPATCHES_MAX: i64 = 16;

/// Ends turns whose router gave no sign of life: with what they had answered, else as interrupted.
pub(super) async fn recover(engine: Arc<Engine>) -> anyhow::Result<()> {
    for orphan in engine.store.orphans(clock::now_ms(), ROWS).await? {
        // A turn of ours whose lease could not be renewed is not dead: it ends by itself.
        if engine.keeper.holds(&orphan.lease.turn_id) {
            continue;
        }
        let now_ms = clock::now_ms();
        let until_ms = now_ms.saturating_add(engine.config.turn.lease_ms);
        let Some(lease) = engine.store.seize(&orphan.lease, now_ms, until_ms).await? else {
            continue;
        };
        vacate(&engine, &orphan).await?;
        match engine.store.write(&page(&engine, &orphan, lease)).await {
            Ok(session) => engine.queue.ring(&session.session_id),
            Err(StoreError::Lost) => continue,
            Err(error) => return Err(error.into()),
        }
        let (request_id, session_id) = (&orphan.request_id, &orphan.lease.session_id);
        let is_answered = orphan.provisional.is_some();
        tracing::warn!(request_id, session_id, is_answered, "a turn without a router was ended");
    }
    Ok(())
}

/// Frees the places that the turn may have taken with agents who do not have the session. While it is seized nobody
/// else of the session runs, who might want one of them.
async fn vacate(engine: &Engine, orphan: &Orphan) -> Result<(), StoreError> {
    let (session_id, tenant) = (&orphan.lease.session_id, &orphan.owner.tenant);
    let Ok(agents) = engine.roster.now() else { return Ok(()) };
    if orphan.lease.is_anonymous || !orphan.is_running {
        return Ok(());
    }
    let session = engine.store.session(tenant, None, session_id).await?;
    let others = agents.ids().into_iter().filter(|agent_id| *agent_id != session.active_agent);
    let give_back = |agent_id: String| async move {
        engine.peers.release_slot(&agent_id, session_id).await;
    };
    let free = futures::stream::iter(others).for_each_concurrent(RELEASES_AT_ONCE, give_back);
    // What is not freed now ends with the life of a session.
    let _ = tokio::time::timeout(RELEASE_LIMIT, free).await;
    Ok(())
}

fn page(engine: &Engine, orphan: &Orphan, lease: Lease) -> Page {
    let now_ms = clock::now_ms();
    let ending = orphan.provisional.clone().unwrap_or_else(Ending::interrupted);
    let outcome = if orphan.provisional.is_some() { "answer" } else { "interrupted" };
    let record = Record {
        request_id: orphan.request_id.clone(),
        turn_id: lease.turn_id.clone(),
        session_id: lease.session_id.clone(),
        attempt: lease.attempt,
        outcome: outcome.to_owned(),
        ..Record::default()
    };
    Page {
        settlements: charges(engine, orphan, now_ms),
        lease,
        now_ms,
        limits: engine.limits(),
        entry: None,
        state: None,
        change: Change::default(),
        mark: Mark::Final(ending, record.json()),
    }
}

/// The agents of the turn may have billed it, whether or not anybody still knows.
fn charges(engine: &Engine, orphan: &Orphan, now_ms: i64) -> Vec<Settlement> {
    if !orphan.is_running {
        return Vec::new();
    }
    let lease = &orphan.lease;
    let order = Order {
        tenant: orphan.owner.tenant.clone(),
        user_id: orphan.owner.user_id.clone(),
        request_id: orphan.request_id.clone(),
        release: !engine.config.budget.charge_on_unknown,
        estimated: true,
        ..Order::default()
    };
    let charge = |number: i64| Settlement {
        charge_id: format!("{}/{}/{number}", lease.turn_id, lease.attempt),
        turn_id: lease.turn_id.clone(),
        order: order.clone(),
        due_ms: now_ms,
        tries: 0,
    };
    (0..DISPATCHES_MAX).map(charge).collect()
}
