//! What stands around every call: who calls, how long it may take, and that a panic stays its own.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::fault::{Fault, Kind, fault};
use crate::link::{DEFAULT_DEADLINE, TOKEN_HEADER, deadline_of};
use crate::trace;

/// When a caller that was sent away may come back.
const RETRY_AFTER_S: i64 = 1;

/// Calls a server with the deadline of the request, and answers a panic with a status.
pub(crate) async fn guarded<S>(server: S, request: Request<Body>) -> Result<Response<Body>, Status>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let limit = deadline_of(&request).unwrap_or(DEFAULT_DEADLINE);
    let path = request.uri().path().to_owned();
    let call = AssertUnwindSafe(server.oneshot(request)).catch_unwind();
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(panic)) => {
            tracing::error!(path, panic = text_of(&*panic), "a call panicked");
            Err(fault(Kind::Internal, "internal", &"internal error"))
        }
        Err(_) => Err(Status::deadline_exceeded("the call took too long")),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// The guard of a network listener.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    token: Option<Arc<[u8]>>,
    places: Arc<Semaphore>,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, token: Option<String>, calls_max: usize) -> Self {
        let token = token.map(|token| Arc::from(digest(token.as_bytes())));
        Self { inner, token, places: Arc::new(Semaphore::new(calls_max)) }
    }

    fn admits(&self, request: &Request<Body>) -> bool {
        let Some(token) = &self.token else { return true };
        let given = request.headers().get(TOKEN_HEADER).map(|value| digest(value.as_bytes()));
        // Equal digests mean equal tokens, and how far two digests agree tells nothing of the token.
        given.is_some_and(|given| given[..] == token[..])
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Health stays open, since orchestrators have no token and ask most when there is too much to do.
        if request.uri().path().starts_with("/grpc.health.") {
            let call = guarded(self.inner.clone(), request);
            return Box::pin(async move { Ok(call.await.unwrap_or_else(Status::into_http)) });
        }
        if !self.admits(&request) {
            let text = "the internal token is missing or wrong";
            return refuse(Fault::new(Kind::Unauthenticated, "authentication_failed", text));
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            metrics::counter!("calls.shed").increment(1);
            let text = "too many calls at once";
            let fault = Fault::new(Kind::Unavailable, "dependency_unavailable", text);
            return refuse(fault.retry_after_s(RETRY_AFTER_S));
        };
        let span = trace::remote_span(&request);
        let call = guarded(self.inner.clone(), request);
        let answer = async move {
            let response = call.await.unwrap_or_else(Status::into_http);
            Ok(response.map(|body| Body::new(Placed { body, _place: place })))
        };
        Box::pin(answer.instrument(span))
    }
}

fn refuse(fault: Fault) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
    Box::pin(async move { Ok(Status::from(fault).into_http()) })
}

/// A body whose call keeps its place until the last byte is out: a stream is work for as long as it runs.
struct Placed {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl http_body::Body for Placed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
