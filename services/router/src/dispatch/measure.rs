//! What is measured and audited of every dispatch.

use std::time::Duration;

use super::setback::Setback;
use super::{Call, Failure, Reply};

/// Counts and logs how a dispatch ended.
pub(super) fn dispatched(
    agent_id: &str,
    call: &Call,
    outcome: Result<&Reply, &Failure>,
    took: Duration,
) {
    let status = outcome.map_or_else(|failure| failure.kind.code(), |_| "success");
    let agent = || agent_id.to_owned();
    metrics::counter!("agent.dispatch", "agent_id" => agent(), "status" => status).increment(1);
    metrics::histogram!("agent.dispatch.duration_ms", "agent_id" => agent())
        .record(took.as_secs_f64() * 1_000.0);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let request_id = call.request_id.as_str();
    match outcome {
        Ok(reply) => {
            for kind in &reply.violations {
                metrics::counter!("agent.contract_violations", "agent_id" => agent(), "kind" => *kind).increment(1);
            }
            tracing::info!(
                audit = true,
                event_type = "agent.dispatched",
                agent_id,
                request_id,
                attempts = reply.attempts,
                duration_ms,
                outcome = "success",
                "the agent answered"
            );
        }
        Err(failure) => {
            metrics::counter!("agent.dispatch.errors", "agent_id" => agent(), "error_type" => status).increment(1);
            tracing::info!(
                audit = true,
                event_type = "agent.failed",
                agent_id,
                request_id,
                duration_ms,
                outcome = "failure",
                failure_reason = status,
                detail = failure.detail,
                "the agent did not answer"
            );
        }
    }
}

/// Logs that another attempt follows.
pub(super) fn retrying(agent_id: &str, setback: &Setback, wait: Duration) {
    tracing::debug!(agent_id, %setback, wait_ms = wait.as_secs_f64() * 1_000.0, "the agent is asked again");
}
