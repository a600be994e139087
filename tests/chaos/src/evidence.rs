//! What can be seen from outside once it is quiet: what users were told, what agents billed, what the stores hold.

use std::collections::BTreeMap;

use chassis::{Database, Redis};
use sqlx::FromRow;
use url::Url;

use crate::agents::Bill;
use crate::client::Client;
use crate::user::Story;

/// Connections to Postgres.
const CONNECTIONS: u32 = 2;

/// Everything that is looked at.
pub struct Evidence {
    /// What users went through.
    pub stories: Vec<Story>,
    /// What agents billed, by charge.
    pub bills: BTreeMap<String, Bill>,
    /// Where conversations and money are.
    pub database: Database,
    /// Where slots are.
    pub redis: Redis,
    /// A way to ask again.
    pub client: Client,
}

/// A turn as it is stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Turn {
    pub(crate) turn_id: String,
    pub(crate) request_id: String,
    pub(crate) session_id: String,
    pub(crate) attempt: i64,
}

/// An entry of a session as it is stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Entry {
    pub(crate) session_id: String,
    pub(crate) position: i64,
    pub(crate) turn_id: String,
    pub(crate) request_id: String,
    pub(crate) role: String,
    pub(crate) agent_id: String,
    pub(crate) content: String,
}

/// A session as it is stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Session {
    pub(crate) session_id: String,
    pub(crate) user_id: String,
    pub(crate) external_key: String,
    pub(crate) status: String,
    pub(crate) active_agent: String,
}

/// A row of the ledger as it is stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Charged {
    pub(crate) charge_id: String,
    pub(crate) scope: String,
    pub(crate) amount_micros: i64,
    pub(crate) estimated: i64,
}

impl Evidence {
    /// Opens the stores.
    pub async fn gather(
        (stories, bills): (Vec<Story>, BTreeMap<String, Bill>),
        (database, (url, prefix)): (&str, &(Url, String)),
        client: Client,
    ) -> anyhow::Result<Self> {
        let database = Database::postgres(database, CONNECTIONS).await?;
        let redis = Redis::open(url, prefix)?;
        Ok(Self { stories, bills, database, redis, client })
    }

    pub(crate) async fn turns(&self) -> anyhow::Result<Vec<Turn>> {
        let sql = "SELECT turn_id, request_id, session_id, attempt FROM turns";
        Ok(sqlx::query_as(sql).fetch_all(&self.database.pool).await?)
    }

    /// In the order of each session.
    pub(crate) async fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let sql = "SELECT session_id, position, turn_id, request_id, role, agent_id, content \
                   FROM session_entries ORDER BY session_id, position";
        Ok(sqlx::query_as(sql).fetch_all(&self.database.pool).await?)
    }

    pub(crate) async fn sessions(&self) -> anyhow::Result<Vec<Session>> {
        let sql = "SELECT session_id, user_id, external_key, status, active_agent FROM sessions";
        Ok(sqlx::query_as(sql).fetch_all(&self.database.pool).await?)
    }

    pub(crate) async fn ledger(&self) -> anyhow::Result<Vec<Charged>> {
        let sql = "SELECT charge_id, scope, amount_micros, estimated FROM budget_ledger";
        Ok(sqlx::query_as(sql).fetch_all(&self.database.pool).await?)
    }
}
