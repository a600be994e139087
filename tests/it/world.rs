//! A whole mesh with scripted agents, in either topology.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::config::Environment;
use chassis::testing::Names;
use chassis::{Life, testing};
use mesh::handler::Handlers;
use tokio::runtime::Runtime;

use crate::agent::Agent;
use crate::client::Client;

mod topology;

pub(crate) use topology::Topology;
use topology::{Stores, one, settings, split};

/// The key of every caller.
pub(crate) const KEY: &str = "a-key-for-scenarios";
/// How long a mesh may take to end.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How long a scenario waits for something to be seen, and how often it looks.
const LOOK_LIMIT: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// The threads of a mesh.
const WORKERS: usize = 2;

/// What a scenario starts from.
#[derive(Default)]
pub(crate) struct Setting {
    agents: Vec<Agent>,
    variables: BTreeMap<String, String>,
    budgets: Option<String>,
    names: Names,
    replicas: usize,
    definitions: BTreeMap<String, String>,
    handlers: Option<Handlers>,
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

    /// With one of the shop's agents refusing connections until it is opened.
    pub(crate) fn late(mut self, id: &str) -> Self {
        self.agents.retain(|agent| agent.id != id);
        self.agents.push(Agent::late(id));
        self
    }

    /// With these lines in the definition of one of the shop's agents.
    pub(crate) fn define(mut self, id: &str, lines: &str) -> Self {
        let redefine = |agent: Agent| match agent.id == id {
            true => agent.defined_with(lines),
            false => agent,
        };
        self.agents = self.agents.into_iter().map(redefine).collect();
        self
    }

    /// With the definition of one of the shop's agents naming this host and port, and the host having this address.
    pub(crate) fn at(mut self, id: &str, (host, port): (&str, u16), address: &str) -> Self {
        let place = |agent: Agent| match agent.id == id {
            true => agent.defined_at(&format!("{host}:{port}")),
            false => agent,
        };
        self.agents = self.agents.into_iter().map(place).collect();
        self.names.point(host, &[address]);
        self
    }

    /// With the definition of an agent that is no server.
    pub(crate) fn with_definition(mut self, id: &str, yaml: &str) -> Self {
        self.definitions.insert(id.to_owned(), yaml.to_owned());
        self
    }

    /// With routers that answer for these agents.
    pub(crate) fn with_handlers(mut self, handlers: Handlers) -> Self {
        self.variables.insert("INPROCESS_HANDLERS".to_owned(), handlers.names().join(","));
        self.handlers = Some(handlers);
        self
    }

    /// With a setting of the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With so many gateways, routers and budgets where services are apart.
    pub(crate) fn with_replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
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
    http: Vec<SocketAddr>,
    agents: BTreeMap<String, Agent>,
    env: Environment,
    handlers: Option<Handlers>,
    stores: Stores,
    replicas: usize,
    life: Life,
    // Of its own, so that a mesh can die at once as a process does.
    runtime: Option<Runtime>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.die();
    }
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

/// Looks until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    tokio::time::timeout(LOOK_LIMIT, seen).await.unwrap_or_else(|_| panic!("never: {what}"))
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
        for (id, yaml) in &setting.definitions {
            std::fs::write(definitions.join(format!("{id}.yaml")), yaml).unwrap();
        }
        let stores = Stores::fresh(topology, &folder, setting.names.clone()).await;
        let env = environment(&folder, &definitions, &setting);
        let (replicas, handlers) = (setting.replicas.max(1), setting.handlers);
        let agents = setting.agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
        let (http, life) = (Vec::new(), Life::new());
        let runtime = None;
        let mut world =
            Self { topology, http, agents, env, handlers, stores, replicas, life, runtime };
        world.begin().await;
        world
    }

    async fn begin(&mut self) {
        self.die();
        self.life = Life::new();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(WORKERS).enable_all().build().unwrap();
        let settings = settings(self.env.clone(), self.handlers.clone());
        let (stores, life) = (self.stores.clone(), self.life.clone());
        let (topology, replicas) = (self.topology, self.replicas);
        let handle = runtime.handle().clone();
        self.runtime = Some(runtime);
        let started = handle.spawn(async move {
            match topology {
                Topology::One => vec![one(&settings, &stores, &life).await],
                Topology::Split => split(&settings, &stores, &life, replicas).await,
            }
        });
        self.http = started.await.expect("the mesh starts");
        self.client("probe").wait_until_healthy().await;
    }

    fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Ends the mesh where it stands, as SIGKILL does, and starts it again on the same stores.
    pub(crate) async fn crash(&mut self) {
        self.begin().await;
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
        self.client_at(0, user)
    }

    /// The same at a gateway of this number; they are counted round.
    pub(crate) fn client_at(&self, replica: usize, user: &str) -> Client {
        Client::new(self.http[replica % self.http.len()], user)
    }

    /// The addresses of the names in definitions.
    pub(crate) fn names(&self) -> &Names {
        &self.stores.names
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
