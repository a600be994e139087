//! Where somebody is stopped on the way through a turn: the call of a name is held until the trap is opened.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

/// How long until somebody must have been caught.
const LIMIT: Duration = Duration::from_secs(30);

/// Catches one call.
#[derive(Debug, Default)]
pub(crate) struct Trap {
    at: Mutex<Option<String>>,
    caught: watch::Sender<bool>,
    open: CancellationToken,
}

impl Trap {
    /// Holds the next call of this name.
    pub(crate) fn set(&self, at: &str) {
        *self.at.lock().unwrap() = Some(at.to_owned());
    }

    /// Waits until somebody is caught.
    pub(crate) async fn caught(&self) {
        let mut caught = self.caught.subscribe();
        let caught = caught.wait_for(|caught| *caught);
        tokio::time::timeout(LIMIT, caught).await.expect("somebody walks into the trap").unwrap();
    }

    /// Lets go who was caught.
    pub(crate) fn open(&self) {
        self.open.cancel();
    }

    /// Called on the way.
    pub(crate) async fn pass(&self, name: &str) {
        let is_caught = self.at.lock().unwrap().take_if(|at| at == name).is_some();
        if is_caught {
            self.caught.send_replace(true);
            self.open.cancelled().await;
        }
    }
}

/// A service with a trap before each method, by its name, and one after it, by its name and `done`.
#[derive(Clone)]
pub(crate) struct Trapped<S> {
    inner: S,
    trap: Arc<Trap>,
}

impl<S> Trapped<S> {
    pub(crate) fn new(inner: S, trap: &Arc<Trap>) -> Self {
        Self { inner, trap: trap.clone() }
    }
}

impl<S: NamedService> NamedService for Trapped<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Trapped<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        let trap = self.trap.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let method = path.rsplit('/').next().unwrap_or_default();
            trap.pass(method).await;
            let answer = ready.call(request).await;
            trap.pass(&format!("{method} done")).await;
            answer
        })
    }
}
