//! Who is let in, and how often: the bucket of the address, the key, the bucket of the key.
//!
//! The key is looked up first because that costs nothing and has no effect; so both buckets are asked in one step. What
//! a caller sees is the order of the contract: an empty bucket of the address hides whether the key was right.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::auth::{Credential, Principal, Refused, credential_of};
use crate::front::Front;
use crate::http::{is_health, is_public};
use crate::limit::{Ask, Verdict};
use crate::middleware::outer::RequestId;
use crate::problem::Problem;
use crate::proxy;
use crate::tickets::Ticket;

/// A caller that was let in.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// Whose key it is.
    pub(crate) principal: Arc<Principal>,
    /// The ticket that was shown instead of a key.
    pub(crate) ticket: Option<Arc<Ticket>>,
}

/// Lets a request in, or not.
pub(crate) async fn admit(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    if is_health(request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match enter(&front, &mut parts).await {
        Ok(verdict) => {
            let mut response = next.run(Request::from_parts(parts, body)).await;
            if let Some(verdict) = verdict {
                response.headers_mut().extend(headers(&verdict));
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}

async fn enter(front: &Front, parts: &mut Parts) -> Result<Option<Verdict>, Problem> {
    let of_address = ask_of_address(front, parts);
    if is_public(parts.uri.path()) {
        return count(front, parts, &[of_address]).await;
    }
    let credential = credential_of(parts);
    let mut asks = vec![of_address];
    if matches!(credential, Some(Credential::Ticket(_))) {
        // Redeeming a ticket spends it and may ask Redis, so the address has to pay first.
        count(front, parts, &asks).await?;
        asks.clear();
    }
    let span = tracing::info_span!("gateway.auth");
    let caller = identify(front, credential).instrument(span).await;
    asks.extend(caller.as_ref().ok().map(|admitted| ask_of(front, &admitted.principal)));
    let verdict = count(front, parts, &asks).await?;
    let admitted = caller.map_err(|problem| refused(parts, problem))?;
    tracing::info!(
        audit = true,
        event_type = "auth.success",
        request_id = request_id(parts),
        tenant = admitted.principal.tenant,
        key_id = admitted.principal.key_id,
        outcome = "success",
        "a caller was let in"
    );
    parts.extensions.insert(admitted);
    Ok(verdict)
}

/// Takes a token from each bucket; what the last one says goes into the headers.
async fn count(front: &Front, parts: &Parts, asks: &[Ask]) -> Result<Option<Verdict>, Problem> {
    if !front.config.limits_rates || asks.is_empty() {
        return Ok(None);
    }
    let span = tracing::info_span!("gateway.rate_limit");
    let verdicts = front.buckets.take(asks).instrument(span).await;
    let verdicts = verdicts.map_err(|_| Problem::new("dependency_unavailable"))?;
    for (ask, verdict) in asks.iter().zip(&verdicts) {
        if !verdict.is_allowed {
            return Err(exhausted(ask.kind, request_id(parts), verdict));
        }
    }
    Ok(verdicts.last().copied())
}

/// What a key asks of its bucket for one request.
pub(crate) fn ask_of(front: &Front, principal: &Principal) -> Ask {
    let rate = principal.rate.unwrap_or(front.config.key_rate);
    Ask::of_key(&principal.tenant, &principal.key_id, rate)
}

/// The problem of an empty bucket.
pub(crate) fn exhausted(kind: &'static str, request_id: &str, verdict: &Verdict) -> Problem {
    metrics::counter!("ratelimit.rejected", "kind" => kind).increment(1);
    tracing::info!(
        audit = true,
        event_type = "auth.rate_limited",
        request_id,
        kind,
        outcome = "failure",
        failure_reason = "rate_limited",
        "a caller asks too often"
    );
    Problem::new("rate_limited").retry_after(verdict.retry_after_s).with_headers(headers(verdict))
}

fn headers(verdict: &Verdict) -> HeaderMap {
    let pairs = [
        ("x-ratelimit-limit", verdict.limit),
        ("x-ratelimit-remaining", verdict.remaining),
        ("x-ratelimit-reset", verdict.reset_s),
    ];
    let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from(value));
    pairs.into_iter().map(pair).collect()
}

async fn identify(front: &Front, credential: Option<Credential>) -> Result<Admitted, Problem> {
    match credential {
        None => Err(Problem::new("authentication_required")),
        Some(Credential::Key(digest)) => match front.keys.principal_of(&digest) {
            Ok(principal) => Ok(Admitted { principal, ticket: None }),
            Err(Refused::Unknown) => Err(Problem::new("authentication_failed")),
            Err(Refused::Unavailable) => Err(Problem::new("authentication_unavailable")),
        },
        Some(Credential::Ticket(digest)) => {
            let ticket = front.tickets.redeem(&digest).await.map(Arc::new);
            let ticket = ticket.ok_or_else(|| Problem::new("authentication_failed"))?;
            Ok(Admitted { principal: ticket.principal(), ticket: Some(ticket) })
        }
    }
}

fn refused(parts: &Parts, problem: Problem) -> Problem {
    tracing::info!(
        audit = true,
        event_type = "auth.failure",
        request_id = request_id(parts),
        outcome = "failure",
        failure_reason = problem.code(),
        "a caller was not let in"
    );
    problem
}

fn ask_of_address(front: &Front, parts: &Parts) -> Ask {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
    let address = proxy::address(peer, &parts.headers, front.config.proxy_hops);
    Ask::of_address(&proxy::bucket(address), front.config.ip_rate)
}

fn request_id(parts: &Parts) -> &str {
    parts.extensions.get::<RequestId>().map_or("", |id| &id.0)
}
