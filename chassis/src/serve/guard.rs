//! What stands around every call: who calls, how long it may take, and that a panic stays its own.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use sha2::{Digest as _, Sha256};
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::fault::{Kind, fault};
use crate::link::{DEFAULT_DEADLINE, TOKEN_HEADER, deadline_of};
use crate::trace;

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
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, token: Option<String>) -> Self {
        Self { inner, token: token.map(|token| Arc::from(digest(token.as_bytes()))) }
    }

    /// Health stays open, since orchestrators have no token.
    fn admits(&self, request: &Request<Body>) -> bool {
        let Some(token) = &self.token else { return true };
        if request.uri().path().starts_with("/grpc.health.") {
            return true;
        }
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
        if !self.admits(&request) {
            let refusal = fault(
                Kind::Unauthenticated,
                "authentication_failed",
                &"the internal token is missing or wrong",
            );
            return Box::pin(async move { Ok(refusal.into_http()) });
        }
        let span = trace::remote_span(&request);
        let call = guarded(self.inner.clone(), request);
        Box::pin(async move { Ok(call.await.unwrap_or_else(Status::into_http)) }.instrument(span))
    }
}
