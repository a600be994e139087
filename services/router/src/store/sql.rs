//! The adapter for SQLite and Postgres: the same statements on both.
//!
//! Who writes to a session locks its row first, so that two routers take turns and nobody waits in a circle.

use chassis::batch::Batcher;
use chassis::{Database, Life};
use sqlx::{Any, AssertSqlSafe, Transaction};
use tracing::Instrument as _;

use super::{Entry, StoreError};
use crate::session::{Session, Status};

mod accept;
mod batch;
mod cell;
mod chores;
mod known;
mod outbox;
mod resolve;
mod row;
mod sessions;
mod turns;
mod write;

use batch::Scribe;
use row::{EntryRow, SessionRow};

type Tx = Transaction<'static, Any>;

/// Conversations in SQL.
#[derive(Clone, Debug)]
pub struct SqlStore {
    database: Database,
    writer: Batcher<Scribe>,
}

impl SqlStore {
    /// Opens the tables of this service, bringing them up to date, and starts their writer.
    pub async fn open(database: Database, life: &Life) -> anyhow::Result<Self> {
        crate::migrate(&database).await?;
        let scribe = Scribe::of(database.clone());
        let writer = Batcher::start("conversation writer", scribe, batch::BOUNDS, life);
        Ok(Self { database, writer })
    }

    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.database.begin().await?)
    }

    /// One session, locked until the transaction ends.
    async fn lock(&self, tx: &mut Tx, session_id: &str) -> Result<Option<Session>, StoreError> {
        let sql = format!("{} WHERE session_id = $1{}", row::SELECT_SESSION, self.lock_clause());
        let found = sqlx::query_as::<_, SessionRow>(AssertSqlSafe(sql)).bind(session_id);
        found.fetch_optional(&mut **tx).await?.map(Session::try_from).transpose()
    }

    fn lock_clause(&self) -> &'static str {
        self.database.engine.for_update()
    }
}

/// Makes a transaction count.
async fn commit(tx: Tx) -> Result<(), StoreError> {
    Ok(tx.commit().instrument(tracing::info_span!("store.commit")).await?)
}

/// Writes a session as it is now, provided that nobody wrote to it since it was read.
async fn save(tx: &mut Tx, session: &mut Session) -> Result<(), StoreError> {
    let read = session.version;
    session.version += 1;
    let sql = AssertSqlSafe(row::update_session());
    let written = row::bind_session(sqlx::query(sql), session).bind(read);
    match written.execute(&mut **tx).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Contended),
    }
}

/// Ends a session with its event.
async fn end(
    tx: &mut Tx,
    session: &mut Session,
    status: Status,
    now_ms: i64,
) -> Result<(), StoreError> {
    session.close(status, now_ms);
    save(tx, session).await?;
    outbox::announce_end(tx, session).await
}

async fn add_entry(
    tx: &mut Tx,
    session_id: &str,
    turn_id: &str,
    entry: &Entry,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO session_entries (session_id, position, turn_id, request_id, role, \
               agent_id, content, intent_summary, timestamp_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(session_id)
        .bind(entry.position)
        .bind(turn_id)
        .bind(&entry.request_id)
        .bind(entry.role.name())
        .bind(&entry.agent_id)
        .bind(&entry.content)
        .bind(&entry.intent_summary)
        .bind(entry.timestamp_ms)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Drops the oldest entries beyond what is visible.
async fn prune(tx: &mut Tx, session: &mut Session, max: i64) -> Result<(), StoreError> {
    if session.entry_count <= max {
        return Ok(());
    }
    let sql = "DELETE FROM session_entries WHERE session_id = $1 AND position < \
               (SELECT position FROM session_entries WHERE session_id = $1 \
               ORDER BY position DESC LIMIT 1 OFFSET $2)";
    sqlx::query(sql).bind(&session.session_id).bind(max - 1).execute(&mut **tx).await?;
    session.entry_count = max;
    Ok(())
}

/// The last entries before a position, oldest first.
async fn last_entries<'e, E>(
    executor: E,
    session_id: &str,
    before: i64,
    max: i64,
) -> Result<Vec<Entry>, StoreError>
where
    E: sqlx::Executor<'e, Database = Any>,
{
    let sql = "SELECT position, request_id, role, agent_id, content, intent_summary, timestamp_ms \
               FROM session_entries WHERE session_id = $1 AND position < $2 \
               ORDER BY position DESC LIMIT $3";
    let rows = sqlx::query_as::<_, EntryRow>(sql).bind(session_id).bind(before).bind(max);
    let rows = rows.fetch_all(executor).await?;
    rows.into_iter().rev().map(Entry::try_from).collect()
}

/// The state that an agent keeps of a session; empty when it keeps none.
async fn state_of<'e, E>(
    executor: E,
    session_id: &str,
    agent_id: &str,
) -> Result<String, StoreError>
where
    E: sqlx::Executor<'e, Database = Any>,
{
    let sql = "SELECT state_json FROM session_states WHERE session_id = $1 AND agent_id = $2";
    let state = sqlx::query_scalar::<_, String>(sql).bind(session_id).bind(agent_id);
    Ok(state.fetch_optional(executor).await?.unwrap_or_default())
}

async fn put_state(
    tx: &mut Tx,
    session_id: &str,
    agent_id: &str,
    state_json: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO session_states (session_id, agent_id, state_json) VALUES ($1, $2, $3) \
               ON CONFLICT (session_id, agent_id) DO UPDATE SET state_json = excluded.state_json";
    sqlx::query(sql).bind(session_id).bind(agent_id).bind(state_json).execute(&mut **tx).await?;
    Ok(())
}
