//! What a turn writes: everything it brought about, or nothing.

use super::{SqlStore, Tx, add_entry, commit, outbox, prune, put_state, save};
use crate::ending::Ending;
use crate::session::Session;
use crate::store::{Mark, Page, Settlement, StoreError};

impl SqlStore {
    pub(super) async fn write_page(&self, page: &Page) -> Result<Session, StoreError> {
        let mut tx = self.begin().await?;
        let lease = &page.lease;
        if lease.is_anonymous {
            mark(&mut tx, page).await?;
            owe_all(&mut tx, &page.settlements).await?;
            commit(tx).await?;
            return Ok(Session { session_id: lease.session_id.clone(), ..Session::default() });
        }
        let locked = self.lock(&mut tx, &lease.session_id).await?;
        let mut session = locked.ok_or(StoreError::Lost)?;
        mark(&mut tx, page).await?;
        if let Some(entry) = &page.entry {
            add_entry(&mut tx, &lease.session_id, &lease.turn_id, entry).await?;
            session.entry_count += 1;
            prune(&mut tx, &mut session, page.limits.max_turns).await?;
        }
        if let Some((agent_id, state_json)) = &page.state {
            put_state(&mut tx, &lease.session_id, agent_id, state_json).await?;
        }
        if let Some(switch) = &page.change.switch {
            let sql = "INSERT INTO session_switches (handoff_id, session_id, to_agent, \
                       switched_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
            sqlx::query(sql)
                .bind(&switch.handoff_id)
                .bind(&lease.session_id)
                .bind(&switch.to_agent)
                .bind(page.now_ms)
                .execute(&mut *tx)
                .await?;
        }
        owe_all(&mut tx, &page.settlements).await?;
        let was_active = session.is_active();
        session.apply(&page.change, page.now_ms, page.limits.ttl_ms);
        if matches!(page.mark, Mark::Final(..)) {
            session.open_turns -= 1;
        }
        save(&mut tx, &mut session).await?;
        if was_active && !session.is_active() {
            outbox::announce_end(&mut tx, &session).await?;
        }
        commit(tx).await?;
        Ok(session)
    }
}

/// Writes to the turn itself, which only its holder can.
async fn mark(tx: &mut Tx, page: &Page) -> Result<(), StoreError> {
    let lease = &page.lease;
    let text = |ending: &Ending| serde_json::to_string(ending).expect("an ending is plain data");
    let written = match &page.mark {
        Mark::Provisional(ending) => {
            let sql = "UPDATE turns SET provisional_json = $1 \
                       WHERE turn_id = $2 AND fence = $3 AND state = 'running'";
            sqlx::query(sql).bind(text(ending)).bind(&lease.turn_id).bind(lease.fence)
        }
        Mark::Final(ending, record_json) => {
            let sql = "UPDATE turns SET state = 'done', ending_json = $1, record_json = $2, \
                       finished_ms = $3, provisional_json = '' \
                       WHERE turn_id = $4 AND fence = $5 AND state <> 'done'";
            sqlx::query(sql)
                .bind(text(ending))
                .bind(record_json)
                .bind(page.now_ms)
                .bind(&lease.turn_id)
                .bind(lease.fence)
        }
    };
    match written.execute(&mut **tx).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Lost),
    }
}

async fn owe_all(tx: &mut Tx, settlements: &[Settlement]) -> Result<(), StoreError> {
    for settlement in settlements {
        owe(&mut **tx, settlement).await?;
    }
    Ok(())
}

/// Keeps a charge until it is confirmed.
pub(super) async fn owe<'e, E>(executor: E, settlement: &Settlement) -> Result<(), StoreError>
where
    E: sqlx::Executor<'e, Database = sqlx::Any>,
{
    let sql = "INSERT INTO turn_settlements (charge_id, turn_id, order_json, due_ms, tries) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let order = serde_json::to_string(&settlement.order).expect("an order is plain data");
    sqlx::query(sql)
        .bind(&settlement.charge_id)
        .bind(&settlement.turn_id)
        .bind(order)
        .bind(settlement.due_ms)
        .bind(settlement.tries)
        .execute(executor)
        .await?;
    Ok(())
}
