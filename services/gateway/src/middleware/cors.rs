//! Which pages of other origins may call.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::front::Front;
use crate::problem::Problem;

const METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, \
     Mcp-Protocol-Version, Mcp-Session-Id, Traceparent, X-Api-Key, X-Request-Id, X-Session-Id, X-User-Id";
const RESPONSE_HEADERS: &str = "Idempotent-Replay, Mcp-Session-Id, Retry-After, X-Budget-Limit, X-Budget-Remaining, \
     X-Budget-Scope, X-Budget-Spent, X-Budget-Status, X-Budget-Suggested-Model, X-Budget-Tools-Disabled, \
     X-Budget-Warning, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";
const PREFLIGHT_SECONDS: &str = "600";

/// What the list of origins says to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// By name, with credentials.
    Named,
    /// Like every other, without credentials.
    Everyone,
    /// Not at all.
    Refused,
}

/// Looks an origin up; a name counts for more than `*`.
pub(crate) fn admission(origins: &[String], origin: &str) -> Admission {
    if origins.iter().any(|own| own.eq_ignore_ascii_case(origin)) {
        Admission::Named
    } else if origins.iter().any(|own| own == "*") {
        Admission::Everyone
    } else {
        Admission::Refused
    }
}

/// Whether a page of this origin may open a socket here: its own server's pages, and those that are listed.
pub(crate) fn may_connect(origins: &[String], headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let own = origin.split_once("://").map(|(_, authority)| authority);
    let is_own = own.is_some() && own == text(header::HOST);
    is_own || admission(origins, origin) != Admission::Refused
}

/// Answers preflights and marks what a page may read.
pub(crate) async fn cors(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let admission = match origin.to_str() {
        Ok(text) => admission(&front.config.origins, text),
        Err(_) => Admission::Refused,
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (is_preflight, admission) {
        (false, _) => next.run(request).await,
        (true, Admission::Refused) => Problem::new("cors_rejected").into_response(),
        (true, _) => preflight(),
    };
    mark(response.headers_mut(), origin, admission);
    response
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn mark(headers: &mut HeaderMap, origin: HeaderValue, admission: Admission) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let allowed = match admission {
        Admission::Refused => return,
        Admission::Everyone => HeaderValue::from_static("*"),
        Admission::Named => {
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            origin
        }
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    let exposed = HeaderValue::from_static(RESPONSE_HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_origin_gets_more_than_everyone() {
        let origins = ["https://shop.example".to_owned(), "*".to_owned()];
        assert_eq!(admission(&origins, "https://SHOP.example"), Admission::Named);
        assert_eq!(admission(&origins, "https://other.example"), Admission::Everyone);
        assert_eq!(admission(&origins[..1], "https://other.example"), Admission::Refused);
        assert_eq!(admission(&origins[..1], "null"), Admission::Refused);
    }

    #[test]
    fn a_socket_is_for_own_and_listed_pages() {
        let listed = ["https://shop.example".to_owned()];
        let cases = [
            (None, true),
            (Some("https://shop.example"), true),
            (Some("http://mesh.example:3000"), true),
            (Some("https://evil.example"), false),
            (Some("http://mesh.example:3001"), false),
            (Some("null"), false),
        ];
        for (origin, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("mesh.example:3000"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(may_connect(&listed, &headers), expected, "{origin:?}");
        }
    }
}
