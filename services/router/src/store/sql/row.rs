//! Rows as the statements read and write them.

use sqlx::query::Query;
use sqlx::{Any, FromRow};

use super::cell::Cell;
use crate::clarification::Pending;
use crate::ending::Ending;
use crate::session::{Owner, Profile, Session, Status};
use crate::store::{Entry, Known, Lease, Role, StoreError};

/// The columns of a session in the order of [`session_cells`], and whether each is a number.
pub(super) const SESSION_COLUMNS: [(&str, bool); 26] = [
    ("session_id", false),
    ("tenant", false),
    ("user_id", false),
    ("external_key", false),
    ("employee_id", false),
    ("display_name", false),
    ("status", false),
    ("active_agent", false),
    ("language", false),
    ("intent", false),
    ("intent_summary", false),
    ("entry_count", true),
    ("last_seq", true),
    ("open_turns", true),
    ("version", true),
    ("created_ms", true),
    ("updated_ms", true),
    ("expires_ms", true),
    ("closed_ms", true),
    ("prior_session_id", false),
    ("carried", true),
    ("summary", false),
    ("metadata_json", false),
    ("pending_json", false),
    ("brief_json", false),
    ("history_from", true),
];

/// Reads sessions; a condition follows.
pub(super) const SELECT_SESSION: &str = "SELECT * FROM sessions";

/// Stores a new session unless its owner has a live one of the same name.
pub(super) fn insert_session() -> String {
    let columns = SESSION_COLUMNS.map(|(name, _)| name).join(", ");
    let places: Vec<_> = (1..=SESSION_COLUMNS.len()).map(|n| format!("${n}")).collect();
    let places = places.join(", ");
    format!("INSERT INTO sessions ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING")
}

/// Writes a session whose version is the last parameter.
pub(super) fn update_session() -> String {
    let columns = SESSION_COLUMNS.iter().enumerate().skip(1);
    let sets: Vec<_> = columns.map(|(at, (name, _))| format!("{name} = ${}", at + 1)).collect();
    let read = SESSION_COLUMNS.len() + 1;
    format!("UPDATE sessions SET {} WHERE session_id = $1 AND version = ${read}", sets.join(", "))
}

/// The values of a session.
pub(super) fn session_cells(session: &Session) -> Vec<Cell<'_>> {
    let pending = session
        .pending
        .as_ref()
        .map(|pending| serde_json::to_string(pending).expect("a pending question is plain data"));
    vec![
        Cell::Text(&session.session_id),
        Cell::Text(&session.owner.tenant),
        Cell::Text(&session.owner.user_id),
        Cell::Text(&session.external_key),
        Cell::Text(&session.profile.employee_id),
        Cell::Text(&session.profile.display_name),
        Cell::Text(session.status.name()),
        Cell::Text(&session.active_agent),
        Cell::Text(&session.language),
        Cell::Text(&session.intent),
        Cell::Text(&session.intent_summary),
        Cell::Number(session.entry_count),
        Cell::Number(session.last_seq),
        Cell::Number(session.open_turns),
        Cell::Number(session.version),
        Cell::Number(session.created_ms),
        Cell::Number(session.updated_ms),
        Cell::Maybe(session.expires_ms),
        Cell::Maybe(session.closed_ms),
        Cell::Text(&session.prior_session_id),
        Cell::Number(session.carried),
        Cell::Text(&session.summary),
        Cell::Text(&session.metadata_json),
        Cell::Made(pending.unwrap_or_default()),
        Cell::Text(&session.brief_json),
        Cell::Number(session.history_from),
    ]
}

type Statement<'q> = Query<'q, Any, <Any as sqlx::Database>::Arguments>;

pub(super) fn bind_session<'q>(statement: Statement<'q>, session: &Session) -> Statement<'q> {
    session_cells(session).into_iter().fold(statement, |statement, cell| match cell {
        Cell::Text(text) => statement.bind(text.to_owned()),
        Cell::Made(text) => statement.bind(text),
        Cell::Number(number) => statement.bind(number),
        Cell::Maybe(number) => statement.bind(number),
    })
}

#[derive(FromRow)]
pub(super) struct SessionRow {
    session_id: String,
    tenant: String,
    user_id: String,
    external_key: String,
    employee_id: String,
    display_name: String,
    status: String,
    active_agent: String,
    language: String,
    intent: String,
    intent_summary: String,
    entry_count: i64,
    last_seq: i64,
    open_turns: i64,
    version: i64,
    created_ms: i64,
    updated_ms: i64,
    expires_ms: Option<i64>,
    closed_ms: Option<i64>,
    prior_session_id: String,
    carried: i64,
    summary: String,
    metadata_json: String,
    pending_json: String,
    brief_json: String,
    history_from: i64,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let status =
            Status::from_name(&row.status).ok_or(StoreError::Corrupt("the status of a session"))?;
        let pending: Option<Pending> = parsed(&row.pending_json, "a pending question")?;
        Ok(Self {
            session_id: row.session_id,
            owner: Owner { tenant: row.tenant, user_id: row.user_id },
            external_key: row.external_key,
            profile: Profile { employee_id: row.employee_id, display_name: row.display_name },
            status,
            active_agent: row.active_agent,
            language: row.language,
            intent: row.intent,
            intent_summary: row.intent_summary,
            entry_count: row.entry_count,
            last_seq: row.last_seq,
            open_turns: row.open_turns,
            version: row.version,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            expires_ms: row.expires_ms,
            closed_ms: row.closed_ms,
            prior_session_id: row.prior_session_id,
            carried: row.carried,
            summary: row.summary,
            metadata_json: row.metadata_json,
            pending,
            brief_json: row.brief_json,
            history_from: row.history_from,
        })
    }
}

#[derive(FromRow)]
pub(super) struct EntryRow {
    position: i64,
    request_id: String,
    role: String,
    agent_id: String,
    content: String,
    intent_summary: String,
    timestamp_ms: i64,
}

impl TryFrom<EntryRow> for Entry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let role = Role::from_name(&row.role).ok_or(StoreError::Corrupt("the role of an entry"))?;
        Ok(Self {
            position: row.position,
            request_id: row.request_id,
            role,
            agent_id: row.agent_id,
            content: row.content,
            intent_summary: row.intent_summary,
            timestamp_ms: row.timestamp_ms,
        })
    }
}

/// The columns of [`TurnRow`].
pub(super) const SELECT_TURN: &str = "SELECT turn_id, tenant, user_id, request_id, session_id, \
     is_anonymous, session_new, fingerprint, seq, state, attempt, fence, provisional_json, \
     ending_json FROM turns";

#[derive(FromRow)]
pub(super) struct TurnRow {
    turn_id: String,
    pub(super) tenant: String,
    pub(super) user_id: String,
    pub(super) request_id: String,
    session_id: String,
    is_anonymous: i64,
    session_new: i64,
    fingerprint: String,
    seq: i64,
    pub(super) state: String,
    attempt: i64,
    fence: i64,
    provisional_json: String,
    ending_json: String,
}

impl TurnRow {
    pub(super) fn lease(&self) -> Lease {
        Lease {
            turn_id: self.turn_id.clone(),
            session_id: self.session_id.clone(),
            is_anonymous: self.is_anonymous != 0,
            fence: self.fence,
            seq: self.seq,
            attempt: self.attempt,
        }
    }

    pub(super) fn provisional(&self) -> Result<Option<Ending>, StoreError> {
        parsed(&self.provisional_json, "a provisional result")
    }
}

impl TryFrom<TurnRow> for Known {
    type Error = StoreError;

    fn try_from(row: TurnRow) -> Result<Self, StoreError> {
        Ok(Self {
            lease: row.lease(),
            session_new: row.session_new != 0,
            ending: parsed(&row.ending_json, "a result")?,
            fingerprint: row.fingerprint,
        })
    }
}

/// A JSON column in which an empty text stands for nothing.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(
    text: &str,
    what: &'static str,
) -> Result<Option<T>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|_| StoreError::Corrupt(what))
}
