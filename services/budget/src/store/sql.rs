//! The store on SQLite and Postgres, with the same statements.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::Database;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::{Filter, Store, StoredEvent, names, proof, report, sheet};
use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::batch::Answers;
use crate::event::{Event, Mark};
use crate::fold::{self, Sheet};
use crate::operation::Operation;
use crate::policy::{Definition, Policy, Scope};
use crate::proof::{Explanation, Page, Verified};
use crate::rules::Rules;

/// How often a batch is tried again when another replica was faster with one of its charges.
const TRIES_MAX: usize = 5;

/// The adapter.
pub(crate) struct SqlStore {
    database: Database,
    rules: Arc<Rules>,
}

impl SqlStore {
    pub(crate) fn new(database: Database, rules: Arc<Rules>) -> Self {
        Self { database, rules }
    }

    fn lock(&self) -> &'static str {
        self.database.engine.for_update()
    }

    async fn try_commit(&self, operations: &[Operation], now_ms: i64) -> Result<Answers, Error> {
        let mut transaction = self.database.pool.begin().await?;
        let mut sheet = sheet::load(&mut transaction, operations, self.lock(), now_ms).await?;
        // A charge that another replica made after we looked for it would be made twice.
        let unknown: Vec<Charge> = operations
            .iter()
            .map(|operation| operation.charge().clone())
            .filter(|charge| !sheet.reservations.contains_key(charge))
            .collect();
        let answers = operations
            .iter()
            .map(|operation| fold::apply(&mut sheet, operation, &self.rules, now_ms))
            .collect();
        if self.lock() != "" && sheet::exists_any(&mut transaction, &unknown).await? {
            return Err(Error::Raced);
        }
        sheet::save(&mut transaction, &sheet).await?;
        transaction.commit().await?;
        Ok(answers)
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn commit(&self, operations: &[Operation], now_ms: i64) -> Result<Answers, Error> {
        for _ in 1..TRIES_MAX {
            match self.try_commit(operations, now_ms).await {
                Err(Error::Raced) => {}
                other => return other,
            }
        }
        self.try_commit(operations, now_ms).await
    }

    async fn look(&self, operations: &[Operation], now_ms: i64) -> Result<Sheet, Error> {
        let mut transaction = self.database.pool.begin().await?;
        let sheet = sheet::load(&mut transaction, operations, "", now_ms).await?;
        transaction.rollback().await?;
        Ok(sheet)
    }

    async fn overdue(&self, now_ms: i64, limit: i64) -> Result<Vec<Charge>, Error> {
        let sql = "SELECT charge FROM budget_reservations WHERE state = 'open' AND expires_ms <= $1 \
                   ORDER BY expires_ms LIMIT $2";
        let rows: Vec<(String,)> =
            sqlx::query_as(sql).bind(now_ms).bind(limit).fetch_all(&self.database.pool).await?;
        Ok(rows.iter().filter_map(|(name,)| names::charge_of(name)).collect())
    }

    async fn open_count(&self) -> Result<i64, Error> {
        let sql = "SELECT COUNT(*) FROM budget_reservations WHERE state = 'open'";
        let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&self.database.pool).await?;
        Ok(count)
    }

    async fn put(
        &self,
        tenant: &str,
        definition: &Definition,
        create_only: bool,
    ) -> Result<(Definition, bool), Error> {
        let conflict = if create_only {
            "DO NOTHING"
        } else {
            "(tenant, scope_type, scope_key) DO UPDATE SET limit_micros = excluded.limit_micros, \
             period = excluded.period, policy = excluded.policy, version = budget_definitions.version + 1"
        };
        let sql = format!(
            "INSERT INTO budget_definitions (tenant, scope_type, scope_key, limit_micros, period, policy, version) \
             VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT {conflict} RETURNING version"
        );
        let stored: Option<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(tenant.to_owned())
            .bind(definition.scope.kind.clone())
            .bind(definition.scope.key.clone())
            .bind(definition.limit_micros)
            .bind(definition.period.clone())
            .bind(serde_json::to_string(&definition.policy)?)
            .fetch_optional(&self.database.pool)
            .await?;
        let Some((version,)) = stored else { return Err(Error::Exists(definition.scope.clone())) };
        Ok((Definition { version, ..definition.clone() }, version == 1))
    }

    async fn get(&self, owner: &Owner) -> Result<Option<Definition>, Error> {
        let sql = "SELECT tenant, scope_type, scope_key, limit_micros, period, policy, version \
                   FROM budget_definitions WHERE tenant = $1 AND scope_type = $2 AND scope_key = $3";
        let row = sqlx::query(sql)
            .bind(owner.tenant.clone())
            .bind(owner.scope.kind.clone())
            .bind(owner.scope.key.clone())
            .fetch_optional(&self.database.pool)
            .await?;
        row.as_ref().map(definition_of).transpose()
    }

    async fn list(&self, tenant: &str) -> Result<Vec<Definition>, Error> {
        let sql = "SELECT tenant, scope_type, scope_key, limit_micros, period, policy, version \
                   FROM budget_definitions WHERE tenant = $1 ORDER BY scope_type, scope_key";
        let rows = sqlx::query(sql).bind(tenant.to_owned()).fetch_all(&self.database.pool).await?;
        rows.iter().map(definition_of).collect()
    }

    async fn delete(&self, owner: &Owner) -> Result<bool, Error> {
        let sql = "DELETE FROM budget_definitions WHERE tenant = $1 AND scope_type = $2 AND scope_key = $3";
        let done = sqlx::query(sql)
            .bind(owner.tenant.clone())
            .bind(owner.scope.kind.clone())
            .bind(owner.scope.key.clone())
            .execute(&self.database.pool)
            .await?;
        Ok(0 < done.rows_affected())
    }

    async fn is_empty(&self) -> Result<bool, Error> {
        let sql = "SELECT COUNT(*) FROM budget_definitions";
        let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&self.database.pool).await?;
        Ok(count == 0)
    }

    async fn reset(&self, owner: &Owner, now_ms: i64) -> Result<(String, i64), Error> {
        let mut transaction = self.database.pool.begin().await?;
        let probe = [Operation::look(owner)];
        let mut sheet = sheet::load(&mut transaction, &probe, self.lock(), now_ms).await?;
        let before = sheet.book(owner, now_ms);
        *sheet.resets.entry(owner.clone()).or_default() += 1;
        let period = sheet.period(owner, now_ms);
        count_reset(&mut transaction, owner).await?;
        let money =
            (before.spent_micros, before.definition.map(|definition| definition.limit_micros));
        sheet.events.push(Event::new(owner, &period.id, Mark::Reset, money, now_ms));
        sheet::save_events(&mut transaction, &sheet).await?;
        transaction.commit().await?;
        Ok((period.id, before.spent_micros))
    }

    async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        report::entries(&mut *self.database.pool.acquire().await?, filter).await
    }

    async fn verify(&self, page: &Page) -> Result<Verified, Error> {
        proof::verify(&self.database, page).await
    }

    async fn explain(&self, filter: &Filter) -> Result<Explanation, Error> {
        proof::explain(&self.database, filter).await
    }

    async fn events(
        &self,
        tenant: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        let sql = "SELECT id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms \
                   FROM budget_events WHERE id > $1 AND tenant = $2 ORDER BY id LIMIT $3";
        Ok(sqlx::query_as(sql)
            .bind(after)
            .bind(tenant.to_owned())
            .bind(limit)
            .fetch_all(&self.database.pool)
            .await?)
    }

    async fn last_event(&self) -> Result<i64, Error> {
        let sql = "SELECT value FROM budget_counters WHERE name = 'events'";
        let (last,): (i64,) = sqlx::query_as(sql).fetch_one(&self.database.pool).await?;
        Ok(last)
    }
}

async fn count_reset(connection: &mut AnyConnection, owner: &Owner) -> Result<(), Error> {
    let sql = "UPDATE budget_scopes SET resets = resets + 1 WHERE scope = $1";
    sqlx::query(sql).bind(names::scope_name(owner)).execute(connection).await?;
    Ok(())
}

/// A row of budget_definitions, from its second column on.
pub(super) fn definition_of(row: &AnyRow) -> Result<Definition, Error> {
    let policy: String = row.try_get(5)?;
    Ok(Definition {
        scope: Scope { kind: row.try_get(1)?, key: row.try_get(2)? },
        limit_micros: row.try_get(3)?,
        period: row.try_get(4)?,
        policy: serde_json::from_str::<Policy>(&policy)?,
        version: row.try_get(6)?,
    })
}
