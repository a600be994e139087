//! The definition of an agent as a body.

#![expect(dead_code, reason = "these types are written for their schemas")]

use utoipa::ToSchema;

/// The definition of an agent, as its file states it. Unknown fields are rejected.
#[derive(ToSchema)]
pub(crate) struct AgentDefinition {
    /// The one of the path.
    #[schema(pattern = "^[a-z0-9-]{1,64}$", example = "booking")]
    agent_id: String,
    #[schema(min_length = 1, max_length = 200)]
    display_name: String,
    /// What it does and does not do; read by the classifier.
    #[schema(min_length = 1, max_length = 5_000)]
    description: String,
    /// mcp or inprocess.
    #[schema(example = "mcp")]
    r#type: String,
    /// Where its MCP server is; required for mcp.
    #[schema(example = "https://booking.example.com/mcp")]
    endpoint: Option<String>,
    /// Exactly one agent is the default, with threshold 0.
    is_default: bool,
    #[schema(minimum = 0, maximum = 1)]
    confidence_threshold: f64,
    clarification_required: bool,
    #[schema(max_length = 500)]
    clarification_context: Option<String>,
    /// What customers say to it.
    #[schema(min_items = 1, max_items = 20)]
    examples: Vec<String>,
    #[schema(max_items = 50)]
    skills: Option<Vec<String>>,
    #[schema(max_items = 50)]
    domains: Option<Vec<String>>,
    /// BCP 47 tags; empty is any.
    languages: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    specializations: Option<()>,
    #[schema(minimum = 1, maximum = 100_000)]
    max_concurrent_sessions: Option<i64>,
    /// An ordered subset of mcp and a2a.
    transports: Option<Vec<String>>,
    /// model, max_output_tokens and per_call_usd.
    #[schema(value_type = Option<Object>)]
    cost: Option<()>,
    #[schema(minimum = 100, maximum = 600_000)]
    timeout_ms: Option<i64>,
    accepts_handoff: Option<bool>,
    #[schema(min_length = 1, max_length = 64)]
    version: Option<String>,
    /// Up to 16 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<()>,
}
