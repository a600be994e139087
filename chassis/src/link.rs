//! The one way to call a service, whether it lives in this process or behind a network.
//!
//! A generated client runs on a [`Link`]. A local link hands the request to the generated server directly and does
//! itself what a transport does elsewhere: it bounds the call by its deadline and turns a panic into a status.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::HeaderValue;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;
use url::Url;

use crate::{serve, trace};

/// What a call may take when it says nothing.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
/// The header that proves that a call comes from one of us.
pub const TOKEN_HEADER: &str = "x-mesh-token";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(20);

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

    /// To a service at an address. It connects with the first call, and again after a loss.
    ///
    /// # Panics
    /// When the URL is not one that HTTP can name, which settings rule out.
    #[must_use]
    pub fn remote(url: &Url, token: Option<&str>) -> Self {
        let channel = Endpoint::from_shared(url.to_string())
            .expect("a parsed URL names an endpoint")
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_while_idle(true)
            .connect_lazy();
        let token = token.map(|text| HeaderValue::from_str(text).expect("a token is plain text"));
        let inner = tower::service_fn(move |request| call(channel.clone(), token.clone(), request));
        Self { inner: BoxCloneSyncService::new(inner) }
    }
}

async fn call(
    channel: Channel,
    token: Option<HeaderValue>,
    mut request: Request,
) -> Result<Response, Status> {
    if let Some(mut token) = token {
        token.set_sensitive(true);
        request.headers_mut().insert(TOKEN_HEADER, token);
    }
    let limit = deadline_of(&request).unwrap_or(DEFAULT_DEADLINE);
    trace::inject(request.headers_mut());
    let answer = channel.oneshot(request);
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => {
            Err(Status::unavailable(format!("the service cannot be reached: {error}")))
        }
        Err(_) => Err(Status::deadline_exceeded("the call took too long")),
    }
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
mod tests;
