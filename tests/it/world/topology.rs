//! The two ways in which a mesh is put together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chassis::config::{Common, Environment, Ports};
use chassis::serve::{self, Server};
use chassis::testing::Names;
use chassis::{Database, Life, Link, Mode, Redis, Resources, testing};
use mesh::handler::Handlers;
use mesh::{Listeners, Settings};
use tokio::net::TcpListener;

/// What services show each other.
const TOKEN: &str = "a-token-for-scenarios";
/// Connections of each service to Postgres.
const CONNECTIONS: u32 = 5;
/// How long a file may stay locked after its process has died.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// How the mesh is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// One process on SQLite.
    One,
    /// Six services on their own sockets, on Postgres and Redis.
    Split,
}

/// Stores that outlive a mesh, and the names that it knows.
#[derive(Clone)]
pub(super) struct Stores {
    pub(super) names: Names,
    database: String,
    redis_prefix: String,
}

impl Stores {
    /// Empty ones.
    pub(super) async fn fresh(topology: Topology, folder: &Path, names: Names) -> Self {
        let database = match topology {
            Topology::One => folder.join("mesh.db").display().to_string(),
            Topology::Split => testing::postgres_url().await,
        };
        Self { names, database, redis_prefix: format!("{}:", testing::unique("test")) }
    }

    /// Connections of a service of its own.
    async fn open(&self, life: &Life) -> Resources {
        let database = Database::postgres(&self.database, CONNECTIONS).await.unwrap();
        let redis = Redis::open(&testing::redis_url(), &self.redis_prefix).unwrap();
        self.resources(database, Some(redis), life)
    }

    fn resources(&self, database: Database, redis: Option<Redis>, life: &Life) -> Resources {
        Resources {
            database: Some(database),
            redis,
            life: life.clone(),
            mode: Mode::Test,
            resolver: Arc::new(self.names.clone()),
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Opens a file that a mesh which has just died may still hold.
async fn open(path: &Path) -> Database {
    let opened = async {
        loop {
            match Database::sqlite(path).await {
                Ok(database) => return database,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(LOCK_LIMIT, opened).await.expect("the file becomes free")
}

/// What a mesh is told, and which handlers its routers have if not those that ship.
pub(super) fn settings(mut env: Environment, handlers: Option<Handlers>) -> Settings {
    let mut settings = Settings::read(&mut env, None);
    let _ = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
    env.finish().expect("the settings of a scenario are valid");
    settings.router.handlers = handlers.unwrap_or(settings.router.handlers);
    settings
}

/// One process; gives its address.
pub(super) async fn one(settings: &Settings, stores: &Stores, life: &Life) -> SocketAddr {
    let resources = stores.resources(open(Path::new(&stores.database)).await, None, life);
    let grpc = [
        listener().await,
        listener().await,
        listener().await,
        listener().await,
        listener().await,
        listener().await,
    ];
    let listeners = Listeners { http: listener().await, grpc, desk: None };
    mesh::start(settings, &resources, None, listeners).await.unwrap().http
}

/// Serves one service on a socket of its own and gives the way to it.
async fn serve<S>(service: S, life: &Life) -> Link
where
    S: tower::Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<tonic::body::Body>,
            Error = std::convert::Infallible,
        > + tonic::server::NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let listener = listener().await;
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    Server::new(Some(TOKEN)).with(service).serve(listener, life).unwrap();
    Link::remote(&url, Some(TOKEN))
}

/// Every service on a socket of its own, some of them more than once; gives the addresses of the gateways.
pub(super) async fn split(
    settings: &Settings,
    stores: &Stores,
    life: &Life,
    replicas: usize,
) -> Vec<SocketAddr> {
    let registry = registry::build(&settings.registry, &stores.open(life).await).await.unwrap();
    let registry = serve(registry, life).await;
    let peers = classifier::Peers { registry: registry.clone() };
    let resources = stores.open(life).await;
    let classifier = classifier::build(&settings.classifier, &resources, peers).await.unwrap();
    let classifier = serve(classifier, life).await;
    let peers = handoff::Peers { registry: registry.clone() };
    let handoff = handoff::build(&settings.handoff, &stores.open(life).await, peers).await.unwrap();
    let handoff = serve(handoff, life).await;
    let mut addresses = Vec::new();
    for _ in 0..replicas {
        let budget = budget::build(&settings.budget, &stores.open(life).await).await.unwrap();
        let peers = router::Peers {
            classifier: classifier.clone(),
            registry: registry.clone(),
            budget: serve(budget, life).await,
            handoff: handoff.clone(),
        };
        addresses.push(column(settings, stores, life, peers).await);
    }
    addresses
}

/// A router and a gateway before it.
async fn column(
    settings: &Settings,
    stores: &Stores,
    life: &Life,
    peers: router::Peers,
) -> SocketAddr {
    let (registry, budget) = (peers.registry.clone(), peers.budget.clone());
    let (classifier, handoff) = (peers.classifier.clone(), peers.handoff.clone());
    let router = router::build(&settings.router, &stores.open(life).await, peers).await.unwrap();
    let router = serve(router, life).await;
    let peers = gateway::Peers { router, registry, budget, classifier, handoff };
    let edge = gateway::build(&settings.gateway, &stores.open(life).await, peers).await.unwrap();
    serve(edge.server, life).await;
    let http = listener().await;
    let address = http.local_addr().unwrap();
    serve::http("gateway", http, edge.http, life);
    address
}
