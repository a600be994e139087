//! Sessions as they are shown.

use proto::v1::{Entry as EntryView, PendingClarification, Session as SessionView};

use crate::clarification::Pending;
use crate::session::Session;
use crate::store::Entry;

/// A session without its entries and state.
pub(super) fn session(session: &Session, now_ms: i64, max_turns: i64) -> SessionView {
    SessionView {
        session_id: session.session_id.clone(),
        user_id: session.owner.user_id.clone(),
        employee_id: session.profile.employee_id.clone(),
        status: session.status.name().to_owned(),
        active_agent: session.active_agent.clone(),
        workflow_state_json: String::new(),
        detected_language: session.language.clone(),
        turn_count: session.visible(max_turns),
        version: session.version,
        created_ms: session.created_ms,
        updated_ms: session.updated_ms,
        expires_ms: session.expires_ms,
        closed_ms: session.closed_ms,
        prior_session_id: session.prior_session_id.clone(),
        summary: session.summary.clone(),
        metadata_json: session.metadata_json.clone(),
        turns: Vec::new(),
        pending_clarification: session.asked(now_ms).map(pending),
        external_key: session.external_key.clone(),
        display_name: session.profile.display_name.clone(),
    }
}

/// An entry.
pub(super) fn entry(entry: Entry) -> EntryView {
    EntryView {
        role: entry.role.name().to_owned(),
        content: entry.content,
        timestamp_ms: entry.timestamp_ms,
        intent_summary: entry.intent_summary,
        agent_id: entry.agent_id,
        request_id: entry.request_id,
        position: entry.position,
    }
}

fn pending(pending: &Pending) -> PendingClarification {
    PendingClarification {
        question: pending.question.clone(),
        original_input: pending.original_input.clone(),
        candidates: pending.candidates.clone(),
        language: pending.language.clone(),
        attempt: pending.attempt,
        kind: pending.kind.name().to_owned(),
        expires_ms: pending.expires_ms,
    }
}
