//! Transfers in SQLite or Postgres, with the same statements on both.

use async_trait::async_trait;
use chassis::Database;
use serde_json::json;
use sqlx::any::AnyQueryResult;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::row::{COLUMNS, Row};
use super::{Begun, Event, Filter, ROWS_MAX, Store, StoreError};
use crate::transfer::Transfer;

#[cfg(test)]
mod tests;

/// Transfers in a database.
pub(crate) struct SqlStore {
    database: Database,
}

impl SqlStore {
    /// Opens the store and brings its tables up to date.
    pub(crate) async fn open(database: Database) -> anyhow::Result<Self> {
        crate::migrate(&database).await?;
        Ok(Self { database })
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self, transfer: &Transfer) -> Result<Begun, StoreError> {
        let mut work = self.database.begin().await?;
        let row = Row::of(transfer);
        let statement = format!(
            "INSERT INTO handoffs ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
             $12, $13, $14, $15, $16, $17) ON CONFLICT (handoff_id) DO NOTHING"
        );
        let query = sqlx::query(AssertSqlSafe(statement))
            .bind(row.handoff_id)
            .bind(row.tenant)
            .bind(row.user_id)
            .bind(row.session_id)
            .bind(row.state)
            .bind(row.from_agent)
            .bind(row.to_agent)
            .bind(row.trigger_type)
            .bind(row.reason)
            .bind(row.order_json)
            .bind(row.tried_json)
            .bind(row.answer)
            .bind(row.created_ms)
            .bind(row.updated_ms)
            .bind(row.expires_ms)
            .bind(row.lease_until_ms)
            .bind(row.version);
        if query.execute(&mut *work).await?.rows_affected() == 1 {
            announce(&mut work, transfer).await?;
            work.commit().await?;
            return Ok(Begun::Created);
        }
        work.rollback().await?;
        let known = self.find(&transfer.id).await?;
        let known = known.ok_or_else(|| StoreError::Stale(transfer.id.clone()))?;
        Ok(Begun::Known(Box::new(known)))
    }

    async fn save(&self, transfer: &mut Transfer) -> Result<(), StoreError> {
        let read = transfer.version;
        transfer.version = read + 1;
        let saved = self.write(transfer, read).await;
        if saved.is_err() {
            transfer.version = read;
        }
        saved
    }

    async fn find(&self, handoff_id: &str) -> Result<Option<Transfer>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM handoffs WHERE handoff_id = $1");
        let query = sqlx::query_as::<Any, Row>(AssertSqlSafe(statement)).bind(handoff_id);
        query.fetch_optional(&self.database.pool).await?.map(Row::read).transpose()
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Transfer>, StoreError> {
        let (conditions, values) = conditions(filter);
        let limit = values.len() + 1;
        let statement = format!(
            "SELECT {COLUMNS} FROM handoffs WHERE {conditions} ORDER BY updated_ms, handoff_id LIMIT ${limit}"
        );
        let mut query = sqlx::query_as::<Any, Row>(AssertSqlSafe(statement));
        for value in values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            };
        }
        let query = query.bind(filter.limit.clamp(1, ROWS_MAX));
        query.fetch_all(&self.database.pool).await?.into_iter().map(Row::read).collect()
    }

    async fn events(&self, limit: i64) -> Result<Vec<Event>, StoreError> {
        let statement = "SELECT handoff_id, version, event_type, payload_json, created_ms FROM handoff_outbox \
             ORDER BY created_ms, handoff_id, version LIMIT $1";
        let query = sqlx::query_as::<Any, Event>(statement).bind(limit.clamp(1, ROWS_MAX));
        Ok(query.fetch_all(&self.database.pool).await?)
    }

    async fn delivered(&self, event: &Event) -> Result<(), StoreError> {
        let statement = "DELETE FROM handoff_outbox WHERE handoff_id = $1 AND version = $2";
        let query = sqlx::query(statement).bind(&event.handoff_id).bind(event.version);
        query.execute(&self.database.pool).await?;
        Ok(())
    }

    async fn forget_before(&self, at_ms: i64) -> Result<u64, StoreError> {
        let events = "DELETE FROM handoff_outbox WHERE (handoff_id, version) IN (SELECT handoff_id, version \
             FROM handoff_outbox WHERE created_ms < $1 ORDER BY created_ms LIMIT $2)";
        let answers = "UPDATE handoffs SET answer = '' WHERE handoff_id IN (SELECT handoff_id FROM handoffs \
             WHERE state NOT IN ('started', 'compressed', 'offered', 'accepted') AND updated_ms < $1 \
             AND answer <> '' ORDER BY updated_ms LIMIT $2)";
        let mut forgotten = 0;
        for statement in [events, answers] {
            let query = sqlx::query(statement).bind(at_ms).bind(ROWS_MAX);
            forgotten += query.execute(&self.database.pool).await?.rows_affected();
        }
        Ok(forgotten)
    }
}

impl SqlStore {
    async fn write(&self, transfer: &Transfer, read: i64) -> Result<(), StoreError> {
        let mut work = self.database.begin().await?;
        if update(&mut work, transfer, read).await?.rows_affected() != 1 {
            work.rollback().await?;
            return Err(StoreError::Stale(transfer.id.clone()));
        }
        announce(&mut work, transfer).await?;
        work.commit().await?;
        Ok(())
    }
}

enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

/// What a filter asks, with numbered places for its values.
fn conditions(filter: &Filter) -> (String, Vec<Value<'_>>) {
    let asked = [
        ("tenant =", filter.tenant.as_deref().map(Value::Text)),
        ("user_id =", filter.user_id.as_deref().map(Value::Text)),
        ("session_id =", filter.session_id.as_deref().map(Value::Text)),
        ("lease_until_ms <", filter.lease_before_ms.map(Value::Number)),
        ("expires_ms <", filter.expires_before_ms.map(Value::Number)),
    ];
    let mut conditions = "1 = 1".to_owned();
    let mut values = Vec::new();
    for (condition, value) in asked {
        if let Some(value) = value {
            values.push(value);
            conditions.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    }
    if !filter.states.is_empty() {
        let names: Vec<String> =
            filter.states.iter().map(|state| format!("'{}'", state.name())).collect();
        conditions.push_str(&format!(" AND state IN ({})", names.join(", ")));
    }
    (conditions, values)
}

async fn update(
    work: &mut Transaction<'_, Any>,
    transfer: &Transfer,
    read: i64,
) -> Result<AnyQueryResult, sqlx::Error> {
    let row = Row::of(transfer);
    sqlx::query(
        "UPDATE handoffs SET state = $1, to_agent = $2, reason = $3, order_json = $4, tried_json = $5, \
         answer = $6, updated_ms = $7, lease_until_ms = $8, version = $9 \
         WHERE handoff_id = $10 AND version = $11",
    )
    .bind(row.state)
    .bind(row.to_agent)
    .bind(row.reason)
    .bind(row.order_json)
    .bind(row.tried_json)
    .bind(row.answer)
    .bind(row.updated_ms)
    .bind(row.lease_until_ms)
    .bind(row.version)
    .bind(row.handoff_id)
    .bind(read)
    .execute(&mut **work)
    .await
}

/// Puts the event of a state change beside it.
async fn announce(work: &mut Transaction<'_, Any>, transfer: &Transfer) -> Result<(), sqlx::Error> {
    let payload = json!({
        "handoff_id": transfer.id,
        "session_id": transfer.owner.session_id,
        "state": transfer.state.name(),
        "from_agent": transfer.from_agent,
        "to_agent": transfer.to_agent,
        "trigger": transfer.trigger,
        "at_ms": transfer.updated_ms,
    });
    sqlx::query(
        "INSERT INTO handoff_outbox (handoff_id, version, event_type, payload_json, created_ms) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&transfer.id)
    .bind(transfer.version)
    .bind(format!("handoff.{}", transfer.state.name()))
    .bind(payload.to_string())
    .bind(transfer.updated_ms)
    .execute(&mut **work)
    .await?;
    Ok(())
}
