//! Which session a client means (contract, section 14.2).

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::row::{self, SessionRow};
use super::{SqlStore, Tx, end};
use crate::session::{Owner, Reference, Session, Status};
use crate::store::StoreError;

/// How many sessions past their time are ended on the way to one that lives.
const EXPIRED_MAX: usize = 16;

impl SqlStore {
    /// The live session that a reference denotes, locked; those past their time that are found first are ended.
    pub(super) async fn resolve(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        reference: &Reference,
        now_ms: i64,
    ) -> Result<Option<Session>, StoreError> {
        for _ in 0..EXPIRED_MAX {
            let Some(mut session) = self.denoted(tx, owner, reference).await? else {
                return Ok(None);
            };
            if !session.is_expired(now_ms) {
                return Ok(Some(session));
            }
            end(tx, &mut session, Status::Abandoned, now_ms).await?;
        }
        Ok(None)
    }

    async fn denoted(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        reference: &Reference,
    ) -> Result<Option<Session>, StoreError> {
        let Reference::Named(name) = reference else {
            return self.one_active(tx, owner, None).await;
        };
        if Uuid::try_parse(name).is_ok()
            && let Some(session) = self.lock(tx, name).await?
        {
            if session.owner != *owner {
                return Err(StoreError::NotFound);
            }
            if session.is_active() {
                return Ok(Some(session));
            }
        }
        self.one_active(tx, owner, Some(name)).await
    }

    /// The active session of this name, or without one the one that was used last.
    async fn one_active(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        name: Option<&str>,
    ) -> Result<Option<Session>, StoreError> {
        let by_name = if name.is_some() { " AND external_key = $3" } else { "" };
        let sql = format!(
            "{} WHERE tenant = $1 AND user_id = $2 AND status = 'active'{by_name} \
             ORDER BY updated_ms DESC, created_ms DESC LIMIT 1{}",
            row::SELECT_SESSION,
            self.lock_clause()
        );
        let mut query = sqlx::query_as::<_, SessionRow>(AssertSqlSafe(sql))
            .bind(&owner.tenant)
            .bind(&owner.user_id);
        if let Some(name) = name {
            query = query.bind(name);
        }
        query.fetch_optional(&mut **tx).await?.map(Session::try_from).transpose()
    }

    /// Stores a new session; whether nobody was faster.
    pub(super) async fn make(&self, tx: &mut Tx, session: &Session) -> Result<bool, StoreError> {
        let sql = AssertSqlSafe(row::insert_session());
        let made = row::bind_session(sqlx::query(sql), session).execute(&mut **tx).await?;
        Ok(made.rows_affected() == 1)
    }
}
