use proto::v1::{Entry, PendingClarification};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{object, some};
use crate::openapi::word;
use crate::time::Time;

/// A session, with its turns where these were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    session_id: String,
    user_id: String,
    employee_id: String,
    #[schema(value_type = word::SessionStatus)]
    status: String,
    active_agent: Option<String>,
    #[schema(value_type = Object)]
    workflow_state: Box<RawValue>,
    detected_language: String,
    turn_count: i64,
    version: i64,
    created_at: Time,
    updated_at: Time,
    expires_at: Option<Time>,
    closed_at: Option<Time>,
    prior_session_id: Option<String>,
    summary: Option<String>,
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<Vec<Turn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_clarification: Option<Pending>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
struct Turn {
    #[schema(value_type = word::Role)]
    role: String,
    content: String,
    timestamp: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent_summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    request_id: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingQuestion)]
struct Pending {
    question: String,
    original_input: String,
    candidates: Vec<String>,
    language: String,
    attempt: i64,
    kind: String,
    expires_at: Time,
}

impl Session {
    /// With its turns.
    pub(crate) fn of(mut session: proto::v1::Session) -> Self {
        let turns = std::mem::take(&mut session.turns).into_iter().map(Turn::of).collect();
        let pending = session.pending_clarification.take().map(Pending::of);
        let summary = Self::of_summary(session);
        Self { turns: Some(turns), pending_clarification: pending, ..summary }
    }

    /// As it stands in a list.
    pub(crate) fn of_summary(session: proto::v1::Session) -> Self {
        Self {
            session_id: session.session_id,
            user_id: session.user_id,
            employee_id: session.employee_id,
            status: session.status,
            active_agent: some(session.active_agent),
            workflow_state: object(session.workflow_state_json),
            detected_language: session.detected_language,
            turn_count: session.turn_count,
            version: session.version,
            created_at: Time(session.created_ms),
            updated_at: Time(session.updated_ms),
            expires_at: session.expires_ms.map(Time),
            closed_at: session.closed_ms.map(Time),
            prior_session_id: some(session.prior_session_id),
            summary: some(session.summary),
            metadata: object(session.metadata_json),
            turns: None,
            pending_clarification: None,
        }
    }
}

impl Turn {
    fn of(entry: Entry) -> Self {
        Self {
            role: entry.role,
            content: entry.content,
            timestamp: Time(entry.timestamp_ms),
            intent_summary: some(entry.intent_summary),
            agent_id: some(entry.agent_id),
            request_id: entry.request_id,
        }
    }
}

impl Pending {
    fn of(pending: PendingClarification) -> Self {
        Self {
            question: pending.question,
            original_input: pending.original_input,
            candidates: pending.candidates,
            language: pending.language,
            attempt: pending.attempt,
            kind: pending.kind,
            expires_at: Time(pending.expires_ms),
        }
    }
}
