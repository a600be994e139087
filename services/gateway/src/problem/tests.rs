use chassis::fault::Kind;
use proto::v1::{BudgetHeaders, Scope};
use serde_json::{Value, json};

use super::*;

fn body(problem: &Problem) -> Value {
    serde_json::from_str(&problem.body("r-1")).unwrap()
}

#[test]
fn a_body_has_the_fixed_title_and_text_of_its_code() {
    let cases = [
        ("invalid_json", 400, "Invalid request"),
        ("authentication_required", 401, "Authentication required"),
        ("authentication_failed", 401, "Authentication failed"),
        ("authentication_unavailable", 503, "Authentication unavailable"),
        ("budget_exceeded", 402, "Budget exceeded"),
        ("cors_rejected", 403, "Forbidden"),
        ("session_not_found", 404, "Not found"),
        ("idempotency_conflict", 409, "Conflict"),
        ("payload_too_large", 413, "Payload too large"),
        ("unsupported_media_type", 415, "Unsupported media type"),
        ("session_busy", 429, "Rate limit exceeded"),
        ("internal", 500, "Internal server error"),
        ("agent_unreachable", 502, "Agent error"),
        ("circuit_open", 503, "Service unavailable"),
        ("agent_timeout", 504, "Timeout"),
    ];
    for (code, status, title) in cases {
        let problem = Problem::new(code);
        assert_eq!(problem.status().as_u16(), status, "{code}");
        let body = body(&problem);
        assert_eq!(body["error"], title, "{code}");
        assert_eq!(body["code"], code);
        assert_eq!(body["request_id"], "r-1");
        assert!(!body["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_status_keeps_its_code_and_loses_its_text() {
    let fault = Fault::new(Kind::Missing, "agent_not_found", "secret text of the inside")
        .field("agent_id", "ghost");
    let problem = Problem::of_status(&fault.into());
    assert_eq!(problem.status(), 404);
    assert_eq!(body(&problem)["agent_id"], "ghost");
    assert!(!problem.body("r").contains("secret text"));
    let unknown = Problem::of_status(&Status::unavailable("tcp connect error: 10.0.0.7"));
    assert_eq!((unknown.code(), unknown.status().as_u16()), ("dependency_unavailable", 503));
    assert!(!unknown.body("r").contains("10.0.0.7"));
}

#[test]
fn a_code_that_a_peer_made_up_gets_the_status_of_its_kind() {
    let problem = Problem::of_status(&Fault::new(Kind::Stale, "tea_break", "").into());
    assert_eq!((problem.code(), problem.status().as_u16()), ("tea_break", 409));
    assert_eq!(body(&problem)["error"], "Conflict");
}

#[test]
fn every_kind_has_the_status_that_the_mesh_gave_it() {
    for kind in [
        Kind::Invalid,
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::Missing,
        Kind::Exists,
        Kind::Stale,
        Kind::Closed,
        Kind::Cancelled,
        Kind::Spent,
        Kind::Exhausted,
        Kind::Internal,
        Kind::Upstream,
        Kind::Unreachable,
        Kind::Unavailable,
        Kind::Late,
    ] {
        let problem = Problem::of_status(&Fault::new(kind, "unheard_of", "").into());
        assert_eq!(problem.status().as_u16(), kind.http(), "{kind:?}");
    }
}

#[test]
fn the_fields_of_a_turn_error_come_through_digit_by_digit() {
    let error = TurnError {
        code: "budget_exceeded".to_owned(),
        fields_json: r#"{"scope":"user:anna","limit_usd":0.100000,"code":"no","reset_at":null}"#
            .to_owned(),
        budget: Some(BudgetHeaders {
            scope: Some(Scope { r#type: "user".to_owned(), key: "anna".to_owned() }),
            limit_micros: 100_000,
            status: "stopped".to_owned(),
            ..BudgetHeaders::default()
        }),
        ..TurnError::default()
    };
    let problem = Problem::of_turn(&error);
    let text = problem.body("r-1");
    assert!(text.contains(r#""limit_usd":0.100000"#), "{text}");
    assert!(text.contains(r#""code":"budget_exceeded""#) && !text.contains(r#""no""#), "{text}");
    let response = problem.into_response();
    assert_eq!(response.status(), 402);
    assert_eq!(response.headers()["x-budget-scope"], "user:anna");
    assert_eq!(response.headers()["x-budget-limit"], "0.1");
}

#[test]
fn who_may_come_back_is_told_when() {
    let error =
        TurnError { code: "circuit_open".to_owned(), retry_after_s: 17, ..TurnError::default() };
    let problem = Problem::of_turn(&error);
    assert_eq!(body(&problem)["retry_after"], 17);
    assert_eq!(problem.into_response().headers()["retry-after"], "17");
    let busy = Problem::new("session_busy");
    assert_eq!(body(&busy)["retry_after"], 1);
    assert_eq!(busy.into_response().headers()["retry-after"], "1");
    let refused = Problem::new("rate_limited").retry_after(0).into_response();
    assert_eq!(refused.headers()["retry-after"], "1");
}

#[test]
fn broken_rules_are_listed() {
    let problem = Problem::invalid_field("input", "is empty");
    assert_eq!(body(&problem)["details"], json!([{"path": "input", "message": "is empty"}]));
}
