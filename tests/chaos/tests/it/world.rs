//! A mesh whose routers are processes of their own; the services around them are in the test, where calls can be held.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chaos::client::{Client, Message};
use chaos::evidence::Evidence;
use chaos::user::Story;
use chassis::config::Environment;
use chassis::serve::{self, Server};
use chassis::{Database, Life, Link, Mode, Redis, Resources, testing};
use fleet::{Ports, Process, Program, wait_for};
use tokio::net::TcpListener;
use url::Url;

use crate::desk::Desks;
use crate::trap::{Trap, Trapped};

/// How long a router may take to listen.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Connections of each service to Postgres.
const CONNECTIONS: u32 = 4;

/// So that the dead are noticed soon.
const SETTINGS: [(&str, &str); 11] = [
    ("MESH_ENV", "test"),
    ("LOG_LEVEL", "warn"),
    ("DATABASE_MAX_CONNECTIONS", "4"),
    ("AGENT_HEALTH_INTERVAL_MS", "0"),
    ("TURN_TIMEOUT_MS", "20000"),
    ("SESSION_MAX_TURNS", "1000"),
    ("BUDGET_RESERVATION_TTL_MS", "2000"),
    // Whoever has the session keeps it, whatever is said next.
    ("HANDOFF_TOPIC_DETECTION", "false"),
    ("HANDOFF_OFFER_TIMEOUT_MS", "10000"),
    ("HANDOFF_LEASE_MS", "2000"),
    ("HANDOFF_TTL_MS", "10000"),
];

/// A gateway before each of two routers, which a test starts and ends.
pub(crate) struct World {
    /// Where calls are held.
    pub(crate) trap: Arc<Trap>,
    /// Who answers.
    pub(crate) desks: Desks,
    /// A way to both gateways.
    pub(crate) client: Client,
    /// Connections of the test's own.
    pub(crate) database: Database,
    program: Program,
    routers: [SocketAddr; 2],
    redis: (Url, String),
    life: Life,
}

impl Drop for World {
    fn drop(&mut self) {
        self.life.stop();
        self.life.close();
    }
}

/// Message number so and so of a user.
pub(crate) fn message(user: &str, number: usize) -> Message {
    Message {
        user: user.to_owned(),
        input: format!("I need help with my order ({user} {number})"),
        request_id: uuid::Uuid::new_v4().to_string(),
        thread: None,
    }
}

impl World {
    pub(crate) async fn start(passes_on: bool, lease_ms: u32) -> Self {
        let trap = Arc::<Trap>::default();
        let desks = Desks::open(&trap, passes_on).await;
        let folder = testing::folder();
        std::fs::create_dir(folder.join("agents")).unwrap();
        chaos::agents::define(&folder.join("agents"), desks.address).unwrap();
        let url = testing::postgres_url().await;
        let redis = (testing::redis_url(), format!("{}:", testing::unique("test")));
        let mut settings = fleet::common(&folder).unwrap();
        settings.extend(SETTINGS.map(|(name, value)| (name, value.to_owned())));
        settings.push(("TURN_LEASE_MS", lease_ms.to_string()));
        let life = Life::new();
        let builder = Builder { url: &url, redis: &redis, trap: &trap, life: &life };
        let peers = builder.services(&settings).await;
        let mut ports = Ports::default();
        let routers = [ports.draw().unwrap(), ports.draw().unwrap()];
        let mut gateways = Vec::new();
        for router in routers {
            gateways.push(builder.gateway(&settings, &peers, router).await);
        }
        settings.extend([
            ("DATABASE_URL", url.clone()),
            ("REDIS_URL", redis.0.to_string()),
            ("REDIS_PREFIX", redis.1.clone()),
        ]);
        settings.extend(peers);
        let program = program(&folder, settings);
        let client = Client::new(&gateways).unwrap();
        let database = Database::postgres(&url, CONNECTIONS).await.unwrap();
        Self { trap, desks, client, database, program, routers, redis, life }
    }

    /// Starts a router.
    pub(crate) async fn router(&self, number: usize) -> Process {
        let mut program = self.program.clone();
        let listen = self.routers[number].to_string();
        program.variables.push(("GRPC_LISTEN".to_owned(), listen));
        let process = program.start().expect("built by: cargo build --workspace --bins");
        wait_for(self.routers[number], START_LIMIT).await.unwrap();
        process
    }

    /// What there is to see once it is quiet.
    pub(crate) async fn evidence(&self, stories: Vec<Story>) -> Evidence {
        let bills = self.desks.bills();
        let evidence = Evidence::gather(
            (stories, bills),
            (self.database.url(), &self.redis),
            self.client.clone(),
        );
        evidence.await.unwrap()
    }
}

fn program(folder: &Path, settings: Vec<(&str, String)>) -> Program {
    let path = fleet::programs().unwrap().join("router");
    let variables = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let logs = Some(folder.to_owned());
    Program { variables, logs, ..Program::new(path, &[], folder) }
}

/// What the services in the test are built on.
struct Builder<'a> {
    url: &'a str,
    redis: &'a (Url, String),
    trap: &'a Arc<Trap>,
    life: &'a Life,
}

impl Builder<'_> {
    async fn resources(&self) -> Resources {
        let database = Database::postgres(self.url, CONNECTIONS).await.unwrap();
        let redis = Redis::open(&self.redis.0, &self.redis.1).unwrap();
        let (database, redis, life) = (Some(database), Some(redis), self.life.clone());
        let resolver = chassis::connect::system();
        Resources { database, redis, life, mode: Mode::Test, resolver }
    }

    /// The four around a router; gives the variables that tell where they are.
    async fn services(&self, settings: &[(&str, String)]) -> Vec<(&'static str, String)> {
        let mut env = Environment::of(settings.iter().map(|(name, value)| (*name, value.as_str())));
        let config = registry::Config::read(&mut env);
        let registry = registry::build(&config, &self.resources().await).await.unwrap();
        let registry = self.serve(registry).await;
        let to_registry = || Link::remote(&registry.parse().unwrap(), None);
        let config = classifier::Config::read(&mut env);
        let peers = classifier::Peers { registry: to_registry() };
        let classifier = classifier::build(&config, &self.resources().await, peers).await.unwrap();
        let config = handoff::Config::read(&mut env);
        let peers = handoff::Peers { registry: to_registry() };
        let handoff = handoff::build(&config, &self.resources().await, peers).await.unwrap();
        let config = budget::Config::read(&mut env);
        let budget = budget::build(&config, &self.resources().await).await.unwrap();
        vec![
            ("CLASSIFIER_ADDR", self.serve(classifier).await),
            ("HANDOFF_ADDR", self.serve(handoff).await),
            ("BUDGET_ADDR", self.serve(budget).await),
            ("REGISTRY_ADDR", registry),
        ]
    }

    async fn serve<S>(&self, service: S) -> String
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Trapped::new(service, self.trap);
        Server::new(None).with(service).serve(listener, self.life).unwrap();
        url
    }

    /// A gateway before a router that may not be there yet.
    async fn gateway(
        &self,
        settings: &[(&str, String)],
        peers: &[(&str, String)],
        router: SocketAddr,
    ) -> SocketAddr {
        let mut env = Environment::of(settings.iter().map(|(name, value)| (*name, value.as_str())));
        let config = gateway::Config::read(&mut env);
        let to = |name: &str| {
            let (_, url) = peers.iter().find(|(known, _)| *known == name).unwrap();
            Link::remote(&url.parse().unwrap(), None)
        };
        let peers = gateway::Peers {
            router: Link::remote(&format!("http://{router}").parse().unwrap(), None),
            registry: to("REGISTRY_ADDR"),
            budget: to("BUDGET_ADDR"),
            classifier: to("CLASSIFIER_ADDR"),
            handoff: to("HANDOFF_ADDR"),
        };
        let edge = gateway::build(&config, &self.resources().await, peers).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        serve::http("gateway", listener, edge.http, self.life);
        address
    }
}
