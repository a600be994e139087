use std::collections::HashMap;

use proto::v1::{AgentState, DefinitionError, ReloadResult};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{object, some};
use crate::money::Usd;
use crate::openapi::word;
use crate::time::Time;

/// An agent: its definition and how it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Agent {
    agent_id: String,
    display_name: String,
    description: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    is_default: bool,
    confidence_threshold: f64,
    clarification_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    clarification_context: Option<String>,
    examples: Vec<String>,
    skills: Vec<String>,
    domains: Vec<String>,
    languages: Vec<String>,
    specializations: Vec<Specialization>,
    max_concurrent_sessions: Option<i64>,
    transports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<i64>,
    accepts_handoff: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    #[schema(value_type = word::Availability)]
    availability: String,
    load: i64,
    #[schema(value_type = word::BreakerState)]
    breaker_state: String,
    generation: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Specialization {
    domain: String,
    proficiency_level: f64,
    min_confidence_threshold: f64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Cost {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_call_usd: Option<Usd>,
}

impl Agent {
    /// An agent of a generation. A breaker that nobody has heard of is closed.
    pub(crate) fn of(
        state: AgentState,
        generation: u64,
        breakers: &HashMap<String, String>,
    ) -> Option<Self> {
        let AgentState { agent, availability, load } = state;
        let agent = agent?;
        let breaker = breakers.get(&agent.agent_id).map_or("closed", String::as_str);
        let cost = agent.cost.map(|cost| Cost {
            model: cost.model,
            max_output_tokens: cost.max_output_tokens,
            per_call_usd: cost.per_call_micros.map(Usd),
        });
        let specializations = agent.specializations.into_iter().map(|special| Specialization {
            domain: special.domain,
            proficiency_level: special.proficiency_level,
            min_confidence_threshold: special.min_confidence_threshold,
        });
        Some(Self {
            breaker_state: breaker.to_owned(),
            agent_id: agent.agent_id,
            display_name: agent.display_name,
            description: agent.description,
            r#type: agent.r#type,
            endpoint: some(agent.endpoint),
            is_default: agent.is_default,
            confidence_threshold: agent.confidence_threshold,
            clarification_required: agent.clarification_required,
            clarification_context: some(agent.clarification_context),
            examples: agent.examples,
            skills: agent.skills,
            domains: agent.domains,
            languages: agent.languages,
            specializations: specializations.collect(),
            max_concurrent_sessions: agent.max_concurrent_sessions,
            transports: agent.transports,
            cost,
            timeout_ms: agent.timeout_ms,
            accepts_handoff: agent.accepts_handoff,
            version: some(agent.version),
            metadata: object(agent.metadata_json),
            availability,
            load,
            generation,
        })
    }
}

/// A circuit breaker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Breaker {
    agent_id: String,
    #[schema(value_type = word::BreakerState)]
    state: String,
    failure_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Time>,
    generation: u64,
    forced: bool,
    multiplier: i64,
}

impl Breaker {
    pub(crate) fn of(breaker: proto::v1::Breaker) -> Self {
        Self {
            agent_id: breaker.agent_id,
            state: breaker.state,
            failure_count: breaker.failure_count,
            last_failure_time: breaker.last_failure_ms.map(Time),
            retry_at: breaker.retry_at_ms.map(Time),
            generation: breaker.generation,
            forced: breaker.forced,
            multiplier: breaker.multiplier,
        }
    }
}

/// What loading the agents again came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reload {
    success: bool,
    generation: u64,
    agent_count: i64,
    agent_ids: Vec<String>,
    default_agent_id: String,
    errors: Vec<Fault>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DefinitionFault)]
struct Fault {
    file: String,
    line: i64,
    column: i64,
    message: String,
}

impl Reload {
    pub(crate) fn of(result: ReloadResult) -> Self {
        let fault = |error: DefinitionError| {
            let DefinitionError { file, line, column, message, .. } = error;
            Fault { file, line, column, message }
        };
        Self {
            success: result.success,
            generation: result.generation,
            agent_count: result.agent_count,
            agent_ids: result.agent_ids,
            default_agent_id: result.default_agent_id,
            errors: result.errors.into_iter().map(fault).collect(),
            warnings: result.warnings,
        }
    }
}
