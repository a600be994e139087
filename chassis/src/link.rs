//! The one way to call a service, whether it lives in this process or behind a network.
//!
//! A generated client runs on a [`Link`]. A local link hands the request to the generated server directly and does
//! itself what a transport does elsewhere: it bounds the call by its deadline and turns a panic into a status. A remote
//! link spreads its calls over all replicas behind the peer's name.

mod lookup;
mod replica;
mod replicas;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::HeaderValue;
use http::uri::{Authority, Parts, PathAndQuery, Scheme, Uri};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tower::util::BoxCloneSyncService;
use tracing::Instrument as _;
use url::Url;

use self::lookup::{Lookup, Place};
use self::replicas::Replicas;
use crate::{serve, trace};

/// What a call may take when it says nothing.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
/// The header that proves that a call comes from one of us.
pub const TOKEN_HEADER: &str = "x-mesh-token";

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// A way to a service.
#[derive(Clone, Debug)]
pub struct Link {
    inner: BoxCloneSyncService<Request, Response, Status>,
}

impl Link {
    /// To a generated server in this process.
    pub fn local<S>(server: S) -> Self
    where
        S: Service<Request, Response = Response, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let inner = tower::service_fn(move |request: Request| {
            let span = trace::local_span(&request);
            serve::guarded(server.clone(), request).instrument(span)
        });
        Self { inner: BoxCloneSyncService::new(inner) }
    }

    /// To a service at an address, or to all replicas behind a name. It connects with the first call, again after a loss,
    /// and to replicas that come later.
    ///
    /// # Panics
    /// When the URL names no host, which settings rule out.
    #[must_use]
    pub fn remote(url: &Url, token: Option<&str>) -> Self {
        Self::through(lookup::system(), url, token)
    }

    fn through(lookup: Lookup, url: &Url, token: Option<&str>) -> Self {
        let place = Place::of(url, lookup).expect("the URL of a peer names a host");
        let port = url.port_or_known_default().unwrap_or_default();
        let authority = format!("{}:{port}", url.host_str().unwrap_or_default());
        let authority = authority.parse().expect("a host and a port are an authority");
        let token = token.map(|text| {
            let mut value = HeaderValue::from_str(text).expect("a token is plain text");
            value.set_sensitive(true);
            value
        });
        let way = Arc::new(Way { replicas: Replicas::new(place), authority, token });
        let inner = tower::service_fn(move |request| call(way.clone(), request));
        Self { inner: BoxCloneSyncService::new(inner) }
    }
}

/// What every call over a network needs.
struct Way {
    replicas: Arc<Replicas>,
    authority: Authority,
    token: Option<HeaderValue>,
}

async fn call(way: Arc<Way>, mut request: Request) -> Result<Response, Status> {
    if let Some(token) = &way.token {
        request.headers_mut().insert(TOKEN_HEADER, token.clone());
    }
    let limit = deadline_of(&request).unwrap_or(DEFAULT_DEADLINE);
    trace::inject(request.headers_mut());
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = absolute(way.authority.clone(), path);
    match tokio::time::timeout(limit, way.replicas.send(request)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => {
            Err(Status::unavailable(format!("the service cannot be reached: {error}")))
        }
        Err(_) => Err(Status::deadline_exceeded("the call took too long")),
    }
}

/// HTTP/2 wants the whole address, a generated client knows the path.
fn absolute(authority: Authority, path: Option<PathAndQuery>) -> Uri {
    let mut parts = Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).expect("scheme, authority and path are a URI")
}

impl Service<Request> for Link {
    type Response = Response;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response, Status>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.inner.call(request)
    }
}

/// A message that must be answered within a time.
pub fn within<T>(message: T, limit: Duration) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(limit);
    request
}

/// The deadline that a request carries.
pub(crate) fn deadline_of(request: &Request) -> Option<Duration> {
    parse_timeout(request.headers().get("grpc-timeout")?.to_str().ok()?)
}

/// Reads `grpc-timeout`: at most eight digits and a unit.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod spread;
#[cfg(test)]
mod tests;
