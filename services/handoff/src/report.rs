//! What operators hear of transfers: audit events and metrics. Never what was said in a conversation.

use proto::v1::{CompressedContext, Rejection};

use crate::transfer::{State, Transfer};

/// What an audit line says besides whose transfer it is about.
#[derive(Default)]
struct Line<'a> {
    event_type: &'static str,
    outcome: &'static str,
    text: &'static str,
    from_agent: Option<&'a str>,
    agent_id: Option<&'a str>,
    trigger: Option<&'a str>,
    class: Option<&'a str>,
    state: Option<&'a str>,
    failure_reason: Option<&'a str>,
}

/// A transfer began.
pub(crate) fn started(transfer: &Transfer) {
    let line = Line {
        event_type: "handoff.started",
        outcome: "success",
        text: "a handoff began",
        from_agent: Some(&transfer.from_agent),
        trigger: Some(&transfer.trigger),
        ..Line::default()
    };
    line.write(transfer);
}

/// A history was compressed.
pub(crate) fn compressed(brief: &CompressedContext) {
    metrics::histogram!("handoff.compression_ratio").record(brief.compression_ratio);
}

/// A candidate does not take over.
pub(crate) fn refused(transfer: &Transfer, rejection: &Rejection) {
    let line = Line {
        event_type: "handoff.rejected",
        outcome: "failure",
        text: "a candidate does not take over",
        agent_id: Some(&rejection.agent_id),
        class: Some(&rejection.class),
        failure_reason: Some(&rejection.class),
        ..Line::default()
    };
    line.write(transfer);
}

/// A candidate accepted.
pub(crate) fn accepted(transfer: &Transfer) {
    tracing::debug!(handoff_id = transfer.id, agent_id = transfer.to_agent, "a candidate accepted");
}

/// A switch was committed.
pub(crate) fn completed(transfer: &Transfer) {
    count(transfer);
    let line = Line {
        event_type: "handoff.completed",
        outcome: "success",
        text: "a handoff was completed",
        from_agent: Some(&transfer.from_agent),
        agent_id: Some(&transfer.to_agent),
        ..Line::default()
    };
    line.write(transfer);
}

/// A transfer ended without a switch.
pub(crate) fn ended(transfer: &Transfer) {
    count(transfer);
    let state = transfer.state.name();
    let line = Line {
        event_type: "handoff.rejected",
        outcome: if transfer.state == State::Rejected { "skipped" } else { "failure" },
        text: "a handoff ended without a switch",
        state: Some(state),
        failure_reason: Some(state),
        ..Line::default()
    };
    line.write(transfer);
}

impl Line<'_> {
    fn write(&self, transfer: &Transfer) {
        tracing::info!(
            audit = true,
            event_type = self.event_type,
            handoff_id = transfer.id,
            session_id = transfer.owner.session_id,
            tenant = transfer.owner.tenant,
            from_agent = self.from_agent,
            agent_id = self.agent_id,
            trigger = self.trigger,
            class = self.class,
            state = self.state,
            outcome = self.outcome,
            failure_reason = self.failure_reason,
            "{}",
            self.text
        );
    }
}

fn count(transfer: &Transfer) {
    let outcome = transfer.state.name();
    let trigger = transfer.trigger.clone();
    metrics::counter!("handoff.count", "outcome" => outcome, "trigger" => trigger).increment(1);
    let duration_ms = transfer.updated_ms - transfer.created_ms;
    metrics::histogram!("handoff.duration_ms").record(duration_ms as f64);
}
