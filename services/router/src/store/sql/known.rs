//! What a request id stands for, and whose record may be read.

use sqlx::AssertSqlSafe;

use super::SqlStore;
use super::row::{self, TurnRow};
use crate::session::Owner;
use crate::store::{Known, StoreError};

impl SqlStore {
    pub(super) async fn find_known(
        &self,
        owner: &Owner,
        request_id: &str,
    ) -> Result<Option<Known>, StoreError> {
        let select = row::SELECT_TURN;
        let sql = format!("{select} WHERE tenant = $1 AND user_id = $2 AND request_id = $3");
        let found = sqlx::query_as::<_, TurnRow>(AssertSqlSafe(sql))
            .bind(&owner.tenant)
            .bind(&owner.user_id)
            .bind(request_id);
        found.fetch_optional(&self.database.pool).await?.map(Known::try_from).transpose()
    }

    pub(super) async fn find_record(
        &self,
        tenant: &str,
        user_id: Option<&str>,
        request_id: &str,
    ) -> Result<Option<String>, StoreError> {
        let by_user = if user_id.is_some() { " AND user_id = $3" } else { "" };
        let sql = format!(
            "SELECT record_json FROM turns WHERE tenant = $1 AND request_id = $2{by_user} \
             AND record_json <> '' ORDER BY created_ms DESC LIMIT 1"
        );
        let mut query = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
        query = query.bind(tenant).bind(request_id);
        if let Some(user_id) = user_id {
            query = query.bind(user_id);
        }
        Ok(query.fetch_optional(&self.database.pool).await?)
    }
}
