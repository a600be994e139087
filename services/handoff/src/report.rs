//! What operators hear of transfers: audit events and metrics. Never what was said in a conversation.

use proto::v1::{CompressedContext, Rejection};

use crate::transfer::{State, Transfer};

/// A transfer began.
pub(crate) fn started(transfer: &Transfer) {
    tracing::info!(
        audit = true,
        event_type = "handoff.started",
        handoff_id = transfer.id,
        session_id = transfer.owner.session_id,
        tenant = transfer.owner.tenant,
        from_agent = transfer.from_agent,
        trigger = transfer.trigger,
        outcome = "success",
        "a handoff began"
    );
}

/// A history was compressed.
pub(crate) fn compressed(brief: &CompressedContext) {
    metrics::histogram!("handoff.compression_ratio").record(brief.compression_ratio);
}

/// A candidate does not take over.
pub(crate) fn refused(transfer: &Transfer, rejection: &Rejection) {
    tracing::info!(
        audit = true,
        event_type = "handoff.rejected",
        handoff_id = transfer.id,
        session_id = transfer.owner.session_id,
        tenant = transfer.owner.tenant,
        agent_id = rejection.agent_id,
        class = rejection.class,
        outcome = "failure",
        failure_reason = rejection.class,
        "a candidate does not take over"
    );
}

/// A candidate accepted.
pub(crate) fn accepted(transfer: &Transfer) {
    tracing::debug!(handoff_id = transfer.id, agent_id = transfer.to_agent, "a candidate accepted");
}

/// A switch was committed.
pub(crate) fn completed(transfer: &Transfer) {
    count(transfer);
    tracing::info!(
        audit = true,
        event_type = "handoff.completed",
        handoff_id = transfer.id,
        session_id = transfer.owner.session_id,
        tenant = transfer.owner.tenant,
        from_agent = transfer.from_agent,
        agent_id = transfer.to_agent,
        outcome = "success",
        "a handoff was completed"
    );
}

/// A transfer ended without a switch.
pub(crate) fn ended(transfer: &Transfer) {
    count(transfer);
    tracing::info!(
        audit = true,
        event_type = "handoff.rejected",
        handoff_id = transfer.id,
        session_id = transfer.owner.session_id,
        tenant = transfer.owner.tenant,
        state = transfer.state.name(),
        outcome = if transfer.state == State::Rejected { "skipped" } else { "failure" },
        failure_reason = transfer.state.name(),
        "a handoff ended without a switch"
    );
}

fn count(transfer: &Transfer) {
    let outcome = transfer.state.name();
    let trigger = transfer.trigger.clone();
    metrics::counter!("handoff.count", "outcome" => outcome, "trigger" => trigger).increment(1);
    let duration_ms = transfer.updated_ms - transfer.created_ms;
    metrics::histogram!("handoff.duration_ms").record(duration_ms as f64);
}
