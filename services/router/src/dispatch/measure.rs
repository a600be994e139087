//! What is measured and audited of every dispatch.

use std::time::Duration;

use proto::v1::Agent;
use serde_json::Value;
use tracing::Span;
use tracing::field::Empty;

use super::setback::Setback;
use super::{Call, Failure, Reply};

/// The span of a dispatch, with the attributes that OpenTelemetry gives the call of an agent.
pub(super) fn span(agent: &Agent, call: &Call) -> Span {
    let session_id = call.arguments.get("session_id").and_then(Value::as_str);
    tracing::info_span!(
        "router.dispatch",
        agent_id = agent.agent_id,
        request_id = call.request_id,
        otel.kind = "client",
        otel.status_code = Empty,
        error.type = Empty,
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.id = agent.agent_id,
        gen_ai.agent.name = agent.display_name,
        gen_ai.agent.version = agent.version,
        gen_ai.conversation.id = session_id,
        gen_ai.request.model = agent.cost.as_ref().map(|cost| cost.model.as_str()),
        gen_ai.response.model = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
    )
}

/// Counts and logs how a dispatch ended, within its span.
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
            note_usage(reply);
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
            Span::current().record("error.type", status).record("otel.status_code", "ERROR");
            metrics::counter!("agent.dispatch.errors", "agent_id" => agent(), "error_type" => status).increment(1);
            tracing::info!(
                audit = true,
                event_type = "agent.failed",
                agent_id,
                request_id,
                attempts = failure.attempts,
                duration_ms,
                outcome = "failure",
                failure_reason = status,
                detail = failure.detail,
                "the agent did not answer"
            );
        }
    }
}

fn note_usage(reply: &Reply) {
    let Some(usage) = &reply.usage else { return };
    let span = Span::current();
    if let Some(model) = &usage.model {
        span.record("gen_ai.response.model", model);
    }
    span.record("gen_ai.usage.input_tokens", usage.input_tokens);
    span.record("gen_ai.usage.output_tokens", usage.output_tokens);
}

/// Logs that another attempt follows.
pub(super) fn retrying(agent_id: &str, setback: &Setback, wait: Duration) {
    tracing::debug!(agent_id, %setback, wait_ms = wait.as_secs_f64() * 1_000.0, "the agent is asked again");
}
