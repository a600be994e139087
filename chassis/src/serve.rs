//! Serving: a listener with health and reflection, calls that are bounded and cannot take the process down, and an end
//! that lets running work finish.

mod admin;
mod guard;
mod http;
mod process;

use std::convert::Infallible;

use ::http::{Request, Response};
use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::server::HealthReporter;
use tower::Service;

pub use self::admin::admin;
pub(crate) use self::guard::guarded;
pub use self::http::http;
pub use self::process::{Process, Start, Store, bind, end};
use crate::Life;

/// How many calls a listener works on at once when nothing else is said.
const CALLS_MAX: usize = 1_024;
/// How many calls a connection may carry at least: so many come before a caller has heard of a limit.
const STREAMS_MAX_LEAST: u32 = 256;

/// The gRPC services of one process, what callers must show, and how many calls it takes at once.
pub struct Server {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
    token: Option<String>,
    descriptors: Vec<&'static [u8]>,
    calls_max: usize,
}

impl Server {
    /// A server whose callers must carry this token, if there is one.
    #[must_use]
    pub fn new(token: Option<&str>) -> Self {
        Self {
            routes: RoutesBuilder::default(),
            names: Vec::new(),
            token: token.map(str::to_owned),
            descriptors: Vec::new(),
            calls_max: CALLS_MAX,
        }
    }

    /// Takes so many calls at once and sends further ones away.
    #[must_use]
    pub fn limited(self, calls_max: usize) -> Self {
        Self { calls_max, ..self }
    }

    /// Adds a generated server.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Adds an encoded descriptor set, for reflection.
    #[must_use]
    pub fn describing(mut self, descriptors: &'static [u8]) -> Self {
        self.descriptors.push(descriptors);
        self
    }

    /// Serves until the life is closing; readiness ends as soon as it is stopping.
    pub fn serve(mut self, listener: TcpListener, life: &Life) -> anyhow::Result<()> {
        let (reporter, health) = tonic_health::server::health_reporter();
        self.routes.add_service(health);
        let reflection = self
            .descriptors
            .iter()
            .fold(tonic_reflection::server::Builder::configure(), |builder, descriptors| {
                builder.register_encoded_file_descriptor_set(descriptors)
            })
            .build_v1()
            .context("the descriptor set is not valid")?;
        self.routes.add_service(reflection);
        life.spawn("health", report(reporter, self.names, life.clone()));
        let routes = guard::Guard::new(self.routes.routes(), self.token, self.calls_max);
        // A connection may carry more than is worked on: what is too much is refused, and does not wait at the caller.
        let streams_max = u32::try_from(self.calls_max).unwrap_or(u32::MAX).saturating_mul(2);
        let streams_max = streams_max.max(STREAMS_MAX_LEAST);
        let server = tonic::transport::Server::builder().max_concurrent_streams(streams_max);
        life.spawn_connection("grpc", accept(server, routes, listener, life.clone()));
        Ok(())
    }
}

async fn accept(
    server: tonic::transport::Server,
    routes: guard::Guard<Routes>,
    listener: TcpListener,
    life: Life,
) {
    let incoming = futures::StreamExt::map(TcpListenerStream::new(listener), |stream| {
        stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream))
    });
    let served = server
        .serve_with_incoming_shutdown(routes, incoming, async move { life.closing().await })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the gRPC listener failed");
    }
}

async fn report(reporter: HealthReporter, names: Vec<&'static str>, life: Life) {
    set(&reporter, &names, tonic_health::ServingStatus::Serving).await;
    life.stopping().await;
    set(&reporter, &names, tonic_health::ServingStatus::NotServing).await;
}

async fn set(
    reporter: &HealthReporter,
    names: &[&'static str],
    status: tonic_health::ServingStatus,
) {
    for name in names.iter().copied().chain([""]) {
        reporter.set_service_status(name, status).await;
    }
}
