//! The body of a failure.

#![expect(dead_code, reason = "these types are written for their schemas")]

use std::collections::BTreeMap;

use utoipa::openapi::{ObjectBuilder, RefOr, Response, ResponseBuilder, Schema, Type};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::problem::codes;

/// Why a request failed. Some codes add fields of their own.
#[derive(ToSchema)]
pub(crate) struct Problem {
    /// The title of the status.
    #[schema(example = "Not found")]
    error: String,
    code: Code,
    /// A fixed text.
    message: String,
    /// The id under which the request stands in every log.
    #[schema(format = Uuid)]
    request_id: String,
    /// The rules that were broken.
    details: Option<Vec<Detail>>,
    /// Seconds until it is worth trying again.
    #[schema(minimum = 1)]
    retry_after: Option<i64>,
}

/// One rule that was broken.
#[derive(ToSchema)]
pub(crate) struct Detail {
    /// The field.
    path: String,
    /// The rule.
    message: String,
}

/// A stable name of what went wrong.
pub(crate) struct Code;

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A stable name of what went wrong."))
            .enum_values(Some(codes()))
            .into()
    }
}

impl ToSchema for Code {}

/// Why a request failed, as front ends for OpenAI read it.
#[derive(ToSchema)]
pub(crate) struct ChatProblem {
    error: ChatError,
}

/// What went wrong.
#[derive(ToSchema)]
pub(crate) struct ChatError {
    /// A fixed text.
    message: String,
    /// The sort of failure in OpenAI's words.
    r#type: String,
    code: Code,
}

/// A failure of JSON-RPC 2.0.
#[derive(ToSchema)]
pub(crate) struct RpcProblem {
    jsonrpc: String,
    #[schema(value_type = Option<super::body::RpcId>)]
    id: Option<()>,
    error: RpcError,
}

/// What went wrong.
#[derive(ToSchema)]
pub(crate) struct RpcError {
    /// A code of JSON-RPC, or of the protocol that is spoken over it.
    code: i64,
    message: String,
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<()>,
}

/// How a turn can fail besides what every route has.
pub(crate) struct OfTurn;

impl IntoResponses for OfTurn {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let told = [
            ("402", "budget_exceeded"),
            ("404", "session_not_found, employee_not_found"),
            (
                "409",
                "idempotency_conflict, request_in_progress, version_conflict, session_closed, cancelled",
            ),
            ("502", "agent_error, agent_invalid_response, agent_unreachable"),
            ("504", "agent_timeout, turn_timeout"),
        ];
        let response = |text: &str| ResponseBuilder::new().description(text).build().into();
        told.into_iter().map(|(status, text)| (status.to_owned(), response(text))).collect()
    }
}
