//! A whole mesh with scripted agents, in either topology.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::config::{Common, Environment, Ports};
use chassis::serve::{self, Server};
use chassis::{Database, Life, Link, Mode, Redis, Resources, testing};
use mesh::{Listeners, Settings};
use tokio::net::TcpListener;

use crate::agent::Agent;
use crate::client::Client;

/// The key of every caller.
pub(crate) const KEY: &str = "a-key-for-scenarios";
/// What services show each other.
const TOKEN: &str = "a-token-for-scenarios";
/// How long a mesh may take to end.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How the mesh is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// One process on SQLite.
    One,
    /// Six services on their own sockets, on Postgres and Redis.
    Split,
}

/// What a scenario starts from.
#[derive(Default)]
pub(crate) struct Setting {
    agents: Vec<Agent>,
    variables: BTreeMap<String, String>,
    budgets: Option<String>,
}

impl Setting {
    /// The agents `sales`, `support`, `booking` and the default agent `hello`, each answering in its own name.
    pub(crate) async fn shop() -> Self {
        let mut agents = Vec::new();
        for id in ["sales", "support", "booking", "hello"] {
            agents.push(Agent::start(id).await);
        }
        Self { agents, ..Self::default() }
    }

    /// With another agent, whose definition has these lines too.
    pub(crate) async fn and(mut self, id: &str, lines: &str) -> Self {
        self.agents.push(Agent::start(id).await.defined_with(lines));
        self
    }

    /// With a setting of the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With these budget definitions in place of the built-in one.
    pub(crate) fn with_budgets(mut self, yaml: &str) -> Self {
        self.budgets = Some(yaml.to_owned());
        self
    }
}

/// A running mesh.
pub(crate) struct World {
    /// How it is put together.
    pub(crate) topology: Topology,
    http: SocketAddr,
    agents: BTreeMap<String, Agent>,
    env: Environment,
    stores: Stores,
    life: Life,
}

/// Stores that outlive a restart.
#[derive(Clone)]
struct Stores {
    database: String,
    redis: Option<Redis>,
}

/// Plays a scenario in one process, then in six.
pub(crate) async fn on_both(
    setting: impl AsyncFn() -> Setting,
    scenario: impl AsyncFn(&mut World),
) {
    for topology in [Topology::One, Topology::Split] {
        let mut world = World::start(topology, setting().await).await;
        scenario(&mut world).await;
        world.stop().await;
    }
}

impl World {
    async fn start(topology: Topology, setting: Setting) -> Self {
        let folder = testing::folder();
        let definitions = folder.join("agents");
        std::fs::create_dir(&definitions).unwrap();
        for agent in &setting.agents {
            let path = definitions.join(format!("{}.yaml", agent.id));
            std::fs::write(path, agent.definition()).unwrap();
        }
        let stores = match topology {
            Topology::One => {
                Stores { database: folder.join("mesh.db").display().to_string(), redis: None }
            }
            Topology::Split => {
                let redis = Some(testing::redis().await);
                Stores { database: testing::postgres_url().await, redis }
            }
        };
        let env = environment(&folder, &definitions, &setting);
        let agents = setting.agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
        let http = "127.0.0.1:0".parse().unwrap();
        let mut world = Self { topology, http, agents, env, stores, life: Life::new() };
        world.begin().await;
        world
    }

    async fn begin(&mut self) {
        self.life = Life::new();
        self.http = match self.topology {
            Topology::One => one(self.env.clone(), &self.stores, &self.life).await,
            Topology::Split => split(self.env.clone(), &self.stores, &self.life).await,
        };
        self.client("probe").wait_until_healthy().await;
    }

    /// Asks the mesh to end, as the first moment of SIGTERM does.
    pub(crate) fn ask_to_end(&self) {
        self.life.stop();
    }

    /// Ends the mesh as SIGTERM does, with its work done.
    pub(crate) async fn stop(&self) {
        self.life.stop();
        let done = tokio::time::timeout(END_LIMIT, self.life.finished()).await;
        assert!(done.is_ok(), "{:?}: the work did not end", self.topology);
        self.life.close();
        let closed = tokio::time::timeout(END_LIMIT, self.life.closed()).await;
        assert!(closed.is_ok(), "{:?}: the connections did not end", self.topology);
    }

    /// Ends the mesh and starts it again on the same stores.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.begin().await;
    }

    /// A client that acts as this user.
    pub(crate) fn client(&self, user: &str) -> Client {
        Client::new(self.http, user)
    }

    /// One of the scripted agents.
    pub(crate) fn agent(&self, id: &str) -> &Agent {
        &self.agents[id]
    }
}

fn environment(folder: &Path, definitions: &Path, setting: &Setting) -> Environment {
    let mut variables: BTreeMap<String, String> = [
        ("MESH_ENV", "test"),
        ("API_KEY", KEY),
        ("ENABLE_RATE_LIMITING", "false"),
        ("AGENT_HEALTH_INTERVAL_MS", "0"),
        ("AGENT_ENDPOINT_ALLOWLIST", "127.0.0.1"),
        ("AGENT_REGISTRY_DIR", &definitions.display().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    if let Some(yaml) = &setting.budgets {
        let path: PathBuf = folder.join("budgets.yaml");
        std::fs::write(&path, yaml).unwrap();
        variables.insert("BUDGETS_FILE".to_owned(), path.display().to_string());
    }
    variables.extend(setting.variables.clone());
    Environment::of(variables)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn settings(mut env: Environment) -> Settings {
    let settings = Settings::read(&mut env, None);
    let _ = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
    env.finish().expect("the settings of a scenario are valid");
    settings
}

async fn one(env: Environment, stores: &Stores, life: &Life) -> SocketAddr {
    let database = Database::sqlite(Path::new(&stores.database)).await.unwrap();
    let resources =
        Resources { database: Some(database), redis: None, life: life.clone(), mode: Mode::Test };
    let grpc = [
        listener().await,
        listener().await,
        listener().await,
        listener().await,
        listener().await,
        listener().await,
    ];
    let listeners = Listeners { http: listener().await, grpc, desk: None };
    mesh::start(&settings(env), &resources, None, listeners).await.unwrap().http
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

async fn split(env: Environment, stores: &Stores, life: &Life) -> SocketAddr {
    let settings = settings(env);
    let database = async || Some(Database::postgres(&stores.database, 5).await.unwrap());
    let resources = async || Resources {
        database: database().await,
        redis: stores.redis.clone(),
        life: life.clone(),
        mode: Mode::Test,
    };
    let registry = registry::build(&settings.registry, &resources().await).await.unwrap();
    let registry = serve(registry, life).await;
    let peers = classifier::Peers { registry: registry.clone() };
    let classifier =
        classifier::build(&settings.classifier, &resources().await, peers).await.unwrap();
    let classifier = serve(classifier, life).await;
    let budget = budget::build(&settings.budget, &resources().await).await.unwrap();
    let budget = serve(budget, life).await;
    let peers = handoff::Peers { registry: registry.clone() };
    let handoff = handoff::build(&settings.handoff, &resources().await, peers).await.unwrap();
    let handoff = serve(handoff, life).await;
    let peers = router::Peers {
        classifier: classifier.clone(),
        registry: registry.clone(),
        budget: budget.clone(),
        handoff: handoff.clone(),
    };
    let router = router::build(&settings.router, &resources().await, peers).await.unwrap();
    let router = serve(router, life).await;
    let peers = gateway::Peers { router, registry, budget, classifier, handoff };
    let edge = gateway::build(&settings.gateway, &resources().await, peers).await.unwrap();
    serve(edge.server, life).await;
    let http = listener().await;
    let address = http.local_addr().unwrap();
    serve::http("gateway", http, edge.http, life);
    address
}
