//! The error catalogue of the contract, as a caller reads it.

/// What a code means to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The HTTP status that goes with it.
    pub(crate) status: u16,
    /// Whether the same request is worth another try.
    pub(crate) is_retryable: bool,
}

const FINAL: [(&str, u16); 24] = [
    ("invalid_request", 400),
    ("user_required", 400),
    ("invalid_json", 400),
    ("input_rejected", 400),
    ("authentication_required", 401),
    ("authentication_failed", 401),
    ("budget_exceeded", 402),
    ("forbidden", 403),
    ("cors_rejected", 403),
    ("not_found", 404),
    ("session_not_found", 404),
    ("agent_not_found", 404),
    ("employee_not_found", 404),
    ("budget_not_found", 404),
    ("handoff_not_found", 404),
    ("idempotency_conflict", 409),
    ("budget_exists", 409),
    ("session_closed", 409),
    ("cancelled", 409),
    ("payload_too_large", 413),
    ("unsupported_media_type", 415),
    ("agent_error", 502),
    ("agent_invalid_response", 502),
    // A bug, whenever it is seen.
    ("internal", 500),
];

const AGAIN: [(&str, u16); 16] = [
    ("request_in_progress", 409),
    ("version_conflict", 409),
    ("rate_limited", 429),
    ("session_busy", 429),
    ("agent_unreachable", 502),
    ("circuit_open", 503),
    ("agent_unavailable", 503),
    ("agent_busy", 503),
    ("registry_not_loaded", 503),
    ("authentication_unavailable", 503),
    ("budget_unavailable", 503),
    ("dependency_unavailable", 503),
    ("interrupted", 503),
    ("shutting_down", 503),
    ("agent_timeout", 504),
    ("turn_timeout", 504),
];

/// What a code means, if it is one.
pub(crate) fn meaning(code: &str) -> Option<Meaning> {
    let find = |codes: &[(&str, u16)], is_retryable| {
        let found = codes.iter().find(|(known, _)| *known == code);
        found.map(|(_, status)| Meaning { status: *status, is_retryable })
    };
    find(&FINAL, false).or_else(|| find(&AGAIN, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_status_and_says_whether_to_try_again() {
        assert_eq!(meaning("agent_error"), Some(Meaning { status: 502, is_retryable: false }));
        assert_eq!(meaning("interrupted"), Some(Meaning { status: 503, is_retryable: true }));
        assert_eq!(meaning("something"), None);
    }
}
