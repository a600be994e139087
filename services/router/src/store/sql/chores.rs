use async_trait::async_trait;
use chassis::Engine;
use sqlx::AssertSqlSafe;

use super::outbox::OutgoingRow;
use super::row::{self, TurnRow, parsed};
use super::{SqlStore, commit, end, write};
use crate::session::{Owner, Session, Status};
use crate::store::{Chores, Lease, Orphan, Outgoing, Settlement, StoreError};

#[async_trait]
impl Chores for SqlStore {
    async fn orphans(&self, now_ms: i64, limit: i64) -> Result<Vec<Orphan>, StoreError> {
        let sql = format!(
            "{} WHERE state <> 'done' AND lease_until_ms < $1 ORDER BY lease_until_ms LIMIT $2",
            row::SELECT_TURN
        );
        let rows = sqlx::query_as::<_, TurnRow>(AssertSqlSafe(sql)).bind(now_ms).bind(limit);
        let rows = rows.fetch_all(&self.database.pool).await?;
        rows.into_iter().map(Orphan::try_from).collect()
    }

    async fn seize(
        &self,
        lease: &Lease,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<Lease>, StoreError> {
        let sql = "UPDATE turns SET fence = fence + 1, lease_until_ms = $1 WHERE turn_id = $2 \
                   AND fence = $3 AND state <> 'done' AND lease_until_ms < $4";
        let seized = sqlx::query(sql)
            .bind(until_ms)
            .bind(&lease.turn_id)
            .bind(lease.fence)
            .bind(now_ms)
            .execute(&self.database.pool)
            .await?;
        let taken = Lease { fence: lease.fence + 1, ..lease.clone() };
        Ok((seized.rows_affected() == 1).then_some(taken))
    }

    async fn expire(&self, now_ms: i64, limit: i64) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT session_id FROM sessions WHERE closed_ms IS NULL AND status = 'active' AND expires_ms <= $1 \
                   AND open_turns = 0 ORDER BY expires_ms LIMIT $2";
        let due = sqlx::query_scalar::<_, String>(sql).bind(now_ms).bind(limit);
        let due = due.fetch_all(&self.database.pool).await?;
        let mut ended = Vec::with_capacity(due.len());
        for session_id in due {
            let mut tx = self.begin().await?;
            let Some(mut session) = self.lock(&mut tx, &session_id).await? else { continue };
            if session.is_expired(now_ms) {
                end(&mut tx, &mut session, Status::Abandoned, now_ms).await?;
                commit(tx).await?;
                ended.push(session);
            }
        }
        Ok(ended)
    }

    async fn forget(&self, before_ms: i64, limit: i64) -> Result<u64, StoreError> {
        let sql = "SELECT session_id FROM sessions WHERE status <> 'active' AND closed_ms < $1 \
                   AND open_turns = 0 ORDER BY closed_ms LIMIT $2";
        let old = sqlx::query_scalar::<_, String>(sql).bind(before_ms).bind(limit);
        let old = old.fetch_all(&self.database.pool).await?;
        for session_id in &old {
            let mut tx = self.begin().await?;
            for table in
                ["session_entries", "session_states", "session_switches", "turns", "sessions"]
            {
                let sql = format!("DELETE FROM {table} WHERE session_id = $1");
                sqlx::query(AssertSqlSafe(sql)).bind(session_id).execute(&mut *tx).await?;
            }
            commit(tx).await?;
        }
        let sql = "DELETE FROM turns WHERE is_anonymous = 1 AND created_ms < $1 AND state = 'done'";
        let anonymous = sqlx::query(sql).bind(before_ms).execute(&self.database.pool).await?;
        Ok(old.len() as u64 + anonymous.rows_affected())
    }

    async fn keep(&self, settlement: &Settlement) -> Result<(), StoreError> {
        write::owe(&self.database.pool, settlement).await
    }

    async fn settlements(
        &self,
        now_ms: i64,
        next_ms: i64,
        limit: i64,
    ) -> Result<Vec<Settlement>, StoreError> {
        let sql = "UPDATE turn_settlements SET due_ms = $1, tries = tries + 1 \
                   WHERE due_ms <= $2 AND charge_id IN (SELECT charge_id FROM turn_settlements \
                   WHERE due_ms <= $2 ORDER BY due_ms LIMIT $3) \
                   RETURNING charge_id, turn_id, order_json, due_ms, tries";
        let due = sqlx::query_as::<_, SettlementRow>(sql).bind(next_ms).bind(now_ms).bind(limit);
        let due = due.fetch_all(&self.database.pool).await?;
        due.into_iter().map(Settlement::try_from).collect()
    }

    async fn settled(&self, charge_ids: &[String]) -> Result<(), StoreError> {
        let those = match self.database.engine {
            Engine::Sqlite => "SELECT value FROM json_each($1)",
            Engine::Postgres => "SELECT jsonb_array_elements_text($1::jsonb)",
        };
        let sql = format!("DELETE FROM turn_settlements WHERE charge_id IN ({those})");
        let charge_ids = serde_json::json!(charge_ids).to_string();
        sqlx::query(AssertSqlSafe(sql)).bind(charge_ids).execute(&self.database.pool).await?;
        Ok(())
    }

    async fn switched(&self, handoff_id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT to_agent FROM session_switches WHERE handoff_id = $1";
        let to = sqlx::query_scalar::<_, String>(sql).bind(handoff_id);
        Ok(to.fetch_optional(&self.database.pool).await?)
    }

    async fn outgoing(
        &self,
        now_ms: i64,
        next_ms: i64,
        limit: i64,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let sql = "UPDATE session_outbox SET due_ms = $1, tries = tries + 1 \
                   WHERE due_ms <= $2 AND event_id IN (SELECT event_id FROM session_outbox \
                   WHERE due_ms <= $2 ORDER BY due_ms, created_ms LIMIT $3) \
                   RETURNING event_id, session_id, event_type, payload_json, created_ms, \
                   is_streamed";
        let due = sqlx::query_as::<_, OutgoingRow>(sql).bind(next_ms).bind(now_ms).bind(limit);
        let mut due: Vec<_> = due.fetch_all(&self.database.pool).await?;
        let mut events: Vec<_> = due.drain(..).map(Outgoing::from).collect();
        events.sort_by_key(|event| event.created_ms);
        Ok(events)
    }

    async fn streamed(&self, event_id: &str) -> Result<(), StoreError> {
        let sql = "UPDATE session_outbox SET is_streamed = 1 WHERE event_id = $1";
        sqlx::query(sql).bind(event_id).execute(&self.database.pool).await?;
        Ok(())
    }

    async fn delivered(&self, event_id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM session_outbox WHERE event_id = $1";
        sqlx::query(sql).bind(event_id).execute(&self.database.pool).await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct SettlementRow {
    charge_id: String,
    turn_id: String,
    order_json: String,
    due_ms: i64,
    tries: i64,
}

impl TryFrom<SettlementRow> for Settlement {
    type Error = StoreError;

    fn try_from(row: SettlementRow) -> Result<Self, StoreError> {
        let order = parsed(&row.order_json, "a settlement")?;
        Ok(Self {
            charge_id: row.charge_id,
            turn_id: row.turn_id,
            order: order.ok_or(StoreError::Corrupt("a settlement"))?,
            due_ms: row.due_ms,
            tries: row.tries,
        })
    }
}

impl TryFrom<TurnRow> for Orphan {
    type Error = StoreError;

    fn try_from(row: TurnRow) -> Result<Self, StoreError> {
        Ok(Self {
            lease: row.lease(),
            is_running: row.state == "running",
            provisional: row.provisional()?,
            owner: Owner { tenant: row.tenant, user_id: row.user_id },
            request_id: row.request_id,
        })
    }
}
