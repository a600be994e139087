//! The store on SQLite and Postgres.
//!
//! What a batch needs is kept from one to the next, and is right as long as nobody else has written: every batch moves the
//! head on from where it was left, in the same transaction as its rows, and a batch that finds it elsewhere writes nothing.
//! It then takes the head for itself, reads what it needs, and decides anew.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chassis::Database;

use super::rows::Rows;
use super::work::{Trust, Vault};
use super::{Decided, Filter, Head, Spend, Spent, Store, StoredEvent, names, proof, report, spend};
use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::batch::Answers;
use crate::event::Event;
use crate::fold::{self, Sheet};
use crate::operation::Operation;
use crate::policy::{Definition, Scope};
use crate::proof::{Explanation, Page, Verified};
use crate::rules::Rules;

/// How often a batch is decided anew when others are faster, which nobody can be on Postgres.
const RACES_MAX: usize = 20;
/// How many accounts or charges are kept at most.
const KEPT_MAX: usize = 20_000;

/// The adapter.
pub(crate) struct SqlStore {
    database: Database,
    vault: Vault,
    rules: Arc<Rules>,
    kept: Mutex<Option<Kept>>,
}

/// What is known from the last batch.
struct Kept {
    sheet: Sheet,
    head: Head,
    /// Whether another replica writes too, so that asking for the head first is cheaper than being refused.
    is_shared: bool,
}

impl SqlStore {
    pub(crate) fn new(database: Database, rules: Arc<Rules>) -> Result<Self, sqlx::Error> {
        let vault = Vault::of(&database)?;
        Ok(Self { database, vault, rules, kept: Mutex::new(None) })
    }

    fn fold(&self, sheet: &mut Sheet, operations: &[Operation], now_ms: i64) -> Answers {
        let apply = |operation| fold::apply(sheet, operation, &self.rules, now_ms);
        operations.iter().map(apply).collect()
    }

    fn take(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps what was committed, and says in the log what there is to tell.
    fn keep(&self, mut kept: Kept) {
        for Event { kind, owner, period_id, payload, .. } in &kept.sheet.changes.events {
            let Owner { tenant, scope: Scope { kind: scope_type, key } } = owner;
            tracing::info!(kind, tenant, scope_type, key, period_id, payload, "a budget event");
        }
        kept.sheet.written(KEPT_MAX);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }

    /// Decides by what is known and writes at once; none when that was not what there is.
    async fn commit_known(
        &self,
        kept: &mut Kept,
        (operations, decided): (&[Operation], Decided<'_>),
        now_ms: i64,
    ) -> Result<Option<Answers>, Error> {
        let mut work = self.vault.open().await?;
        work.fill(&mut kept.sheet, (operations, Trust::New), now_ms).await?;
        let answers = self.fold(&mut kept.sheet, operations, now_ms);
        // What is written for a charge fails if it is there already. Of one that was denied nothing is written.
        let is_denied = |charge: &&Charge| !kept.sheet.reservations.contains_key(charge);
        let denied = operations.iter().filter_map(Operation::charge).filter(is_denied);
        if work.exists_any(denied.cloned().collect()).await? {
            work.leave().await?;
            return Ok(None);
        }
        decided(&answers);
        let step = kept.head.step(&kept.sheet.changes);
        let rows = Rows::of(&kept.sheet, kept.head)?;
        kept.head = step.to;
        Ok(work.write(step, rows).await?.then_some(answers))
    }

    /// Takes the head for itself while it reads what it needs, decides and writes.
    async fn commit_alone(
        &self,
        mut known: Option<Kept>,
        asked: (&[Operation], Decided<'_>),
        now_ms: i64,
    ) -> Result<Answers, Error> {
        for _ in 0..RACES_MAX {
            if let Some(answers) = self.try_alone(known.take(), asked, now_ms).await? {
                return Ok(answers);
            }
        }
        tracing::error!("a batch that was decided alone was not written");
        Err(Error::Busy)
    }

    async fn try_alone(
        &self,
        known: Option<Kept>,
        (operations, decided): (&[Operation], Decided<'_>),
        now_ms: i64,
    ) -> Result<Option<Answers>, Error> {
        let (mut work, head) = self.vault.lock().await?;
        let mut kept = Kept::at(head, known);
        work.fill(&mut kept.sheet, (operations, Trust::Nothing), now_ms).await?;
        let answers = self.fold(&mut kept.sheet, operations, now_ms);
        decided(&answers);
        let step = head.step(&kept.sheet.changes);
        let rows = Rows::of(&kept.sheet, head)?;
        kept.head = step.to;
        if !work.write(step, rows).await? {
            return Ok(None);
        }
        self.keep(kept);
        Ok(Some(answers))
    }
}

impl Kept {
    /// What of the known is still right at this head.
    fn at(head: Head, known: Option<Self>) -> Self {
        let Some(Self { mut sheet, head: before, .. }) = known else {
            return Self { sheet: Sheet::default(), head, is_shared: false };
        };
        let is_shared = before.seq != head.seq;
        if before.definitions != head.definitions {
            sheet = Sheet::default();
        } else if is_shared {
            sheet.forget_money();
        }
        Self { sheet, head, is_shared }
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn commit_telling(
        &self,
        operations: &[Operation],
        now_ms: i64,
        decided: Decided<'_>,
    ) -> Result<Answers, Error> {
        let mut kept = self.take();
        let is_simple = !operations.iter().any(Operation::rules);
        if let Some(known) = kept.as_mut().filter(|known| is_simple && !known.is_shared) {
            let head = known.head;
            match self.commit_known(known, (operations, decided), now_ms).await {
                Ok(Some(answers)) => {
                    kept.into_iter().for_each(|kept| self.keep(kept));
                    return Ok(answers);
                }
                Ok(None) => {}
                // A charge was there already, or the connection is lost. What was written, if anything was, is found.
                Err(error) => tracing::debug!(%error, "a batch is decided again"),
            }
            // What was decided is not what happened.
            known.sheet.forget_money();
            known.head = head;
        }
        self.commit_alone(kept, (operations, decided), now_ms).await
    }

    async fn look(&self, operations: &[Operation], now_ms: i64) -> Result<Sheet, Error> {
        let (mut sheet, mut work) = (Sheet::default(), self.vault.snapshot().await?);
        work.fill(&mut sheet, (operations, Trust::Nothing), now_ms).await?;
        work.leave().await?;
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

    async fn list(&self, tenant: &str) -> Result<Vec<Arc<Definition>>, Error> {
        Ok(self
            .look(&[Operation::List(tenant.to_owned())], 0)
            .await?
            .definitions
            .into_values()
            .collect())
    }

    async fn is_empty(&self) -> Result<bool, Error> {
        let sql = "SELECT COUNT(*) FROM budget_definitions";
        let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&self.database.pool).await?;
        Ok(count == 0)
    }

    async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        report::entries(&mut *self.database.pool.acquire().await?, filter).await
    }

    async fn spend(&self, asked: &Spend) -> Result<Spent, Error> {
        let mut work = proof::snapshot(&self.database).await?;
        let spent = spend::spend(&mut work, asked).await?;
        work.rollback().await?;
        Ok(spent)
    }

    async fn verify(&self, page: &Page) -> Result<Verified, Error> {
        proof::verify(&self.database, page).await
    }

    async fn explain(&self, filter: &Filter) -> Result<Explanation, Error> {
        proof::explain(&self.database, filter).await
    }

    async fn events(
        &self,
        tenant: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        let sql = "SELECT id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms \
                   FROM budget_events WHERE id > $1 AND ($2 = '' OR tenant = $2) ORDER BY id LIMIT $3";
        Ok(sqlx::query_as(sql)
            .bind(after)
            .bind(tenant.unwrap_or_default().to_owned())
            .bind(limit)
            .fetch_all(&self.database.pool)
            .await?)
    }

    async fn last_event(&self) -> Result<i64, Error> {
        let sql = "SELECT events FROM budget_head";
        let (last,): (i64,) = sqlx::query_as(sql).fetch_one(&self.database.pool).await?;
        Ok(last)
    }

    async fn claim_mail(&self, now_ms: i64, until_ms: i64) -> Result<Option<i64>, Error> {
        let sql = "UPDATE budget_mail SET due_ms = $2 WHERE due_ms <= $1 \
                   AND delivered < (SELECT events FROM budget_head) RETURNING delivered";
        let query = sqlx::query_as(sql).bind(now_ms).bind(until_ms);
        let claimed: Option<(i64,)> = query.fetch_optional(&self.database.pool).await?;
        Ok(claimed.map(|(delivered,)| delivered))
    }

    async fn mailed(&self, last: i64, due_ms: i64) -> Result<(), Error> {
        // Another may have gone further in the meantime.
        let sql = "UPDATE budget_mail SET delivered = $1, due_ms = $2 WHERE delivered <= $1";
        sqlx::query(sql).bind(last).bind(due_ms).execute(&self.database.pool).await?;
        Ok(())
    }
}
