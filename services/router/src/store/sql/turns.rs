use async_trait::async_trait;

use super::batch::{Outcome, Step};
use super::{SqlStore, commit, state_of};
use crate::session::{Owner, Session};
use crate::store::{
    Acceptance, Known, Lease, Limits, Page, Renewal, Scene, StoreError, Turns, Verdict,
};

#[async_trait]
impl Turns for SqlStore {
    async fn accept(&self, acceptance: &Acceptance) -> Result<Verdict, StoreError> {
        match self.writer.submit(Step::Accept(Box::new(acceptance.clone()))).await? {
            Outcome::Accepted(accepted) => Ok(Verdict::Accepted(accepted)),
            Outcome::Failed(error) => Err(error),
            Outcome::Written(_) | Outcome::Undecided => self.accept_turn(acceptance).await,
        }
    }

    async fn promote(
        &self,
        lease: &Lease,
        limits: &Limits,
        now_ms: i64,
    ) -> Result<Option<(Session, Scene)>, StoreError> {
        if self.is_behind(lease).await? {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let Some(session) = self.lock(&mut tx, &lease.session_id).await? else {
            return Err(StoreError::Lost);
        };
        let sql = "UPDATE turns SET state = 'running', lease_until_ms = $1 \
                   WHERE turn_id = $2 AND fence = $3 AND state = 'queued'";
        let begun = sqlx::query(sql)
            .bind(now_ms.saturating_add(limits.lease_ms))
            .bind(&lease.turn_id)
            .bind(lease.fence);
        if begun.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(StoreError::Lost);
        }
        let scene = self.scene(&mut tx, &session, lease, *limits).await?;
        commit(tx).await?;
        Ok(Some((session, scene)))
    }

    async fn write(&self, page: &Page) -> Result<Session, StoreError> {
        match self.writer.submit(Step::Write(Box::new(page.clone()))).await? {
            Outcome::Written(session) => Ok(*session),
            Outcome::Failed(error) => Err(error),
            Outcome::Accepted(_) | Outcome::Undecided => self.write_page(page).await,
        }
    }

    async fn known(&self, owner: &Owner, request_id: &str) -> Result<Option<Known>, StoreError> {
        self.find_known(owner, request_id).await
    }

    async fn renew(&self, leases: &[Lease], until_ms: i64) -> Result<Vec<Renewal>, StoreError> {
        let mut renewals = Vec::with_capacity(leases.len());
        let mut tx = self.begin().await?;
        for lease in leases {
            let sql = "UPDATE turns SET lease_until_ms = $1 WHERE turn_id = $2 AND fence = $3 \
                       AND state <> 'done' RETURNING is_cancelled";
            let held = sqlx::query_scalar::<_, i64>(sql)
                .bind(until_ms)
                .bind(&lease.turn_id)
                .bind(lease.fence);
            renewals.push(match held.fetch_optional(&mut *tx).await? {
                None => Renewal::Lost,
                Some(0) => Renewal::Held,
                Some(_) => Renewal::Cancelled,
            });
        }
        commit(tx).await?;
        Ok(renewals)
    }

    async fn cancel(&self, owner: &Owner, request_id: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE turns SET is_cancelled = 1 WHERE tenant = $1 AND user_id = $2 \
                   AND request_id = $3 AND state <> 'done'";
        let noted = sqlx::query(sql).bind(&owner.tenant).bind(&owner.user_id).bind(request_id);
        Ok(noted.execute(&self.database.pool).await?.rows_affected() == 1)
    }

    async fn cancelled(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT turn_id FROM turns WHERE is_cancelled = 1 AND state <> 'done'";
        Ok(sqlx::query_scalar::<_, String>(sql).fetch_all(&self.database.pool).await?)
    }

    async fn state(&self, session_id: &str, agent_id: &str) -> Result<String, StoreError> {
        state_of(&self.database.pool, session_id, agent_id).await
    }

    async fn record(
        &self,
        tenant: &str,
        user_id: Option<&str>,
        request_id: &str,
    ) -> Result<Option<String>, StoreError> {
        self.find_record(tenant, user_id, request_id).await
    }
}

impl SqlStore {
    /// Whether an earlier turn of the session is still open.
    async fn is_behind(&self, lease: &Lease) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM turns WHERE session_id = $1 AND state <> 'done' \
                   AND is_anonymous = 0 AND seq < $2";
        let open = sqlx::query_scalar::<_, i64>(sql).bind(&lease.session_id).bind(lease.seq);
        Ok(0 < open.fetch_one(&self.database.pool).await?)
    }
}
