//! Every code with its HTTP status, title and fixed text.

use chassis::fault::Kind;
use http::StatusCode;

/// What the contract fixes for a code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    code: &'static str,
    status: u16,
    pub(super) title: &'static str,
    pub(super) message: &'static str,
}

impl Row {
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).expect("the catalogue has valid statuses")
    }
}

const fn entry(code: &'static str, status: u16, message: &'static str) -> Row {
    Row { code, status, title: title(status), message }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "Invalid request",
        402 => "Budget exceeded",
        403 => "Forbidden",
        404 => "Not found",
        409 => "Conflict",
        413 => "Payload too large",
        415 => "Unsupported media type",
        429 => "Rate limit exceeded",
        502 => "Agent error",
        503 => "Service unavailable",
        504 => "Timeout",
        _ => "Internal server error",
    }
}

/// A code whose title is not that of its status.
const fn titled(title: &'static str, row: Row) -> Row {
    Row { title, ..row }
}

static ROWS: [Row; 41] = [
    entry("invalid_request", 400, "The request breaks a rule; see details."),
    entry("user_required", 400, "The request names no user."),
    entry("invalid_json", 400, "The body is not valid JSON."),
    entry("input_rejected", 400, "The input was rejected."),
    titled(
        "Authentication required",
        entry("authentication_required", 401, "The request carries no API key."),
    ),
    titled(
        "Authentication failed",
        entry("authentication_failed", 401, "The API key is not valid."),
    ),
    entry("budget_exceeded", 402, "The budget does not allow this call."),
    entry("forbidden", 403, "The API key does not allow this."),
    entry("cors_rejected", 403, "The origin is not allowed."),
    entry("not_found", 404, "There is nothing here."),
    entry("session_not_found", 404, "The session does not exist."),
    entry("agent_not_found", 404, "The agent does not exist."),
    entry("employee_not_found", 404, "The employee does not exist."),
    entry("budget_not_found", 404, "The budget does not exist."),
    entry("handoff_not_found", 404, "The handoff does not exist."),
    entry("idempotency_conflict", 409, "Another request was made under this request id."),
    entry("budget_exists", 409, "The budget exists already."),
    entry("request_in_progress", 409, "The request is still being worked on; try again."),
    entry("version_conflict", 409, "Somebody else made a change meanwhile; try again."),
    entry("session_closed", 409, "The session has ended."),
    entry("cancelled", 409, "The request was cancelled."),
    entry("registry_read_only", 409, "The agent definitions cannot be changed here."),
    entry("payload_too_large", 413, "The body is too large."),
    entry("unsupported_media_type", 415, "The type of the body is not read here; see details."),
    entry("rate_limited", 429, "Too many requests; try again later."),
    entry("session_busy", 429, "Too many messages wait in this session; try again later."),
    entry("internal", 500, "Something went wrong on our side."),
    entry("agent_error", 502, "The agent reported an error."),
    entry("agent_invalid_response", 502, "The agent's reply could not be read."),
    entry("agent_unreachable", 502, "The agent could not be reached."),
    entry("circuit_open", 503, "The agent is failing and gets a rest; try again later."),
    entry("agent_unavailable", 503, "The agent is not available."),
    entry("agent_busy", 503, "The agent has no free place; try again later."),
    entry("registry_not_loaded", 503, "The agents are not loaded yet; try again later."),
    titled(
        "Authentication unavailable",
        entry(
            "authentication_unavailable",
            503,
            "API keys cannot be checked now; try again later.",
        ),
    ),
    entry("budget_unavailable", 503, "The budget cannot be checked now; try again later."),
    entry("dependency_unavailable", 503, "A part of the service is down; try again later."),
    entry("interrupted", 503, "The work on the request was interrupted; try again."),
    entry("shutting_down", 503, "The service is shutting down; try again."),
    entry("agent_timeout", 504, "The agent did not answer in time."),
    entry("turn_timeout", 504, "The answer took too long."),
];

/// What is fixed for a code; one that is not in the catalogue is a bug of ours.
pub(super) fn row(code: &str) -> &'static Row {
    find(code).unwrap_or_else(|| find("internal").expect("the catalogue knows internal errors"))
}

/// What is fixed for a code that a peer made up, by its kind.
pub(super) fn row_of(code: &str, kind: Kind) -> &'static Row {
    find(code).unwrap_or_else(|| {
        row(match kind {
            Kind::Invalid => "invalid_request",
            Kind::Unauthenticated => "authentication_failed",
            Kind::Spent => "budget_exceeded",
            Kind::Forbidden => "forbidden",
            Kind::Missing => "not_found",
            Kind::Exists => "idempotency_conflict",
            Kind::Stale => "version_conflict",
            Kind::Closed => "session_closed",
            Kind::Cancelled => "cancelled",
            Kind::Exhausted => "rate_limited",
            Kind::Internal => "internal",
            Kind::Upstream => "agent_error",
            Kind::Unreachable => "agent_unreachable",
            Kind::Unavailable => "dependency_unavailable",
            Kind::Late => "turn_timeout",
        })
    })
}

/// Every code.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.code)
}

fn find(code: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.code == code)
}
