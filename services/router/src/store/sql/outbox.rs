//! Events of sessions: written with what they tell of, read until they are delivered.

use uuid::Uuid;

use super::Tx;
use crate::clock::rfc3339;
use crate::session::Session;
use crate::store::{Outgoing, StoreError};

/// The name of the event that a session has ended.
const SESSION_CLOSED: &str = "session_closed";

/// The event that a session has ended: its kind, its details and its time.
pub(super) fn end_of(session: &Session) -> (&'static str, String, i64) {
    let closed_ms = session.closed_ms.unwrap_or(session.updated_ms);
    let payload = serde_json::json!({
        "session_id": session.session_id,
        "status": session.status.name(),
        "closed_at": rfc3339(closed_ms),
    });
    (SESSION_CLOSED, payload.to_string(), closed_ms)
}

/// Writes the event that a session has ended.
pub(super) async fn announce_end(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    let (kind, payload, closed_ms) = end_of(session);
    let sql = "INSERT INTO session_outbox (event_id, session_id, event_type, payload_json, \
               created_ms, due_ms, tries, is_streamed) VALUES ($1, $2, $3, $4, $5, $5, 0, 0)";
    sqlx::query(sql)
        .bind(Uuid::new_v4().to_string())
        .bind(&session.session_id)
        .bind(kind)
        .bind(payload)
        .bind(closed_ms)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct OutgoingRow {
    event_id: String,
    session_id: String,
    event_type: String,
    payload_json: String,
    created_ms: i64,
    is_streamed: i64,
}

impl From<OutgoingRow> for Outgoing {
    fn from(row: OutgoingRow) -> Self {
        Self {
            event_id: row.event_id,
            session_id: row.session_id,
            event_type: row.event_type,
            payload_json: row.payload_json,
            created_ms: row.created_ms,
            is_streamed: row.is_streamed != 0,
        }
    }
}
