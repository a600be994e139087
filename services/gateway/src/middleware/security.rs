//! Safety headers, and the way from plain HTTP to TLS.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chassis::Mode;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::front::Front;
use crate::http::is_health;
use crate::problem::Problem;
use crate::proxy;

const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const TRANSPORT: &str = "max-age=31536000; includeSubDomains";

/// Sets the headers that keep a browser from being misused.
pub(crate) fn harden(headers: &mut HeaderMap, mode: Mode) {
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if mode == Mode::Production {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TRANSPORT));
    }
}

/// Sends plain HTTP to https, in production.
pub(crate) async fn redirect(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    if must_move(&front, &request) { moved(&request) } else { next.run(request).await }
}

fn must_move(front: &Front, request: &Request) -> bool {
    front.config.redirects_to_tls
        && !is_health(request.uri().path())
        && !proxy::is_tls(request.headers(), front.config.proxy_hops)
}

fn moved(request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let place = proxy::authority(request.uri(), request.headers())
        .and_then(|own| HeaderValue::from_str(&format!("https://{}{path}", own.host())).ok());
    match place {
        Some(place) => (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, place)]).into_response(),
        None => Problem::invalid_field("Host", "is missing").into_response(),
    }
}
