//! A mesh whose routers are processes of their own, and its handoff service if a test wants that; the services around them
//! are in the test, where calls can be held.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chaos::client::{Client, Message};
use chaos::evidence::Evidence;
use chaos::user::Story;
use chassis::config::Environment;
use chassis::serve::{self, Server};
use chassis::{Database, Life, Link, Mode, Redis, Resources, testing};
use fleet::{Ports, Process, Program, wait_for};
use sqlx::{Any, Transaction};
use tokio::net::TcpListener;
use url::Url;

use crate::desk::Desks;
use crate::trap::{Trap, Trapped};

/// How long a router may take to listen.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Connections of each service to Postgres.
const CONNECTIONS: u32 = 4;
/// How often the database is asked who waits, and how long until somebody must.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
const WAIT_LIMIT: Duration = Duration::from_secs(20);

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

/// How a world is put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Whether `support` passes everybody on to `sales`.
    pub(crate) passes_on: bool,
    /// TURN_LEASE_MS.
    pub(crate) lease_ms: u32,
    /// Whether a test starts and ends the handoff service too.
    pub(crate) is_handoff_apart: bool,
}

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
    handoff: SocketAddr,
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
    pub(crate) async fn start(plan: Plan) -> Self {
        let Plan { passes_on, lease_ms, is_handoff_apart } = plan;
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
        let mut ports = Ports::default();
        let [first, second, handoff] = std::array::from_fn(|_| ports.draw().unwrap());
        let routers = [first, second];
        let apart = is_handoff_apart.then_some(handoff);
        let peers = builder.services(&settings, apart).await;
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
        let variables = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        let logs = Some(folder.clone());
        let base = Program::new(fleet::programs().unwrap(), &[], &folder);
        let program = Program { variables: variables.collect(), logs, ..base };
        let client = Client::new(&gateways).unwrap();
        let database = Database::postgres(&url, CONNECTIONS).await.unwrap();
        Self { trap, desks, client, database, program, routers, handoff, redis, life }
    }

    /// Starts a router.
    pub(crate) async fn router(&self, number: usize) -> Process {
        self.process("router", self.routers[number]).await
    }

    /// Starts the handoff service, when it is apart.
    pub(crate) async fn handoff(&self) -> Process {
        self.process("handoff", self.handoff).await
    }

    async fn process(&self, service: &str, listen: SocketAddr) -> Process {
        let mut program = self.program.clone();
        program.path.push(service);
        service.clone_into(&mut program.name);
        program.variables.push(("GRPC_LISTEN".to_owned(), listen.to_string()));
        let process = program.start().expect("built by: cargo build --workspace --bins");
        wait_for(listen, START_LIMIT).await.unwrap();
        process
    }

    /// A transaction that stays open however slow the machine is.
    pub(crate) async fn transaction(&self) -> Transaction<'static, Any> {
        let mut transaction = self.database.pool.begin().await.unwrap();
        let patience = sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0");
        patience.execute(&mut *transaction).await.unwrap();
        transaction
    }

    /// Resolves when somebody waits for a lock in the database.
    pub(crate) async fn until_somebody_waits(&self) {
        let waits = async {
            let sql = "SELECT COUNT(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.database.pool).await.unwrap()
                == 0
            {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        tokio::time::timeout(WAIT_LIMIT, waits).await.expect("somebody wants to write");
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

    /// The four around a router, or three when one is elsewhere; gives the variables that tell where they are.
    async fn services(
        &self,
        settings: &[(&str, String)],
        handoff: Option<SocketAddr>,
    ) -> Vec<(&'static str, String)> {
        let mut env = Environment::of(settings.iter().map(|(name, value)| (*name, value.as_str())));
        let config = registry::Config::read(&mut env);
        let registry = registry::build(&config, &self.resources().await).await.unwrap();
        let registry = self.serve(registry).await;
        let to_registry = || Link::remote(&registry.parse().unwrap(), None);
        let config = classifier::Config::read(&mut env);
        let peers = classifier::Peers { registry: to_registry() };
        let classifier = classifier::build(&config, &self.resources().await, peers).await.unwrap();
        let handoff = match handoff {
            Some(elsewhere) => format!("http://{elsewhere}"),
            None => {
                let config = handoff::Config::read(&mut env);
                let peers = handoff::Peers { registry: to_registry() };
                let resources = self.resources().await;
                self.serve(handoff::build(&config, &resources, peers).await.unwrap()).await
            }
        };
        let config = budget::Config::read(&mut env);
        let budget = budget::build(&config, &self.resources().await).await.unwrap();
        vec![
            ("CLASSIFIER_ADDR", self.serve(classifier).await),
            ("HANDOFF_ADDR", handoff),
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
