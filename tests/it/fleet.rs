//! The mesh as programs of their own, on ports, stores and agents of the test: one process, or six.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::testing;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::agent::Agent;
use crate::client::Client;
use crate::program::free;
use crate::world::{KEY, Topology, eventually};

/// What services show each other.
const TOKEN: &str = "a-token-for-scenarios";
/// How long a program may take to end.
const END_LIMIT: Duration = Duration::from_secs(30);
/// The services, in the order of their ports.
const SERVICES: [&str; 6] = ["gateway", "classifier", "registry", "budget", "router", "handoff"];

/// Programs that work together.
pub(crate) struct Fleet {
    /// The scripted agents.
    pub(crate) agents: BTreeMap<String, Agent>,
    http: SocketAddr,
    admin: Vec<SocketAddr>,
    programs: BTreeMap<&'static str, Program>,
    said: Arc<Mutex<Vec<String>>>,
}

struct Program {
    command: Command,
    child: Child,
}

impl Fleet {
    /// Starts them and waits until all parts are there. A later variable wins over an earlier one.
    pub(crate) async fn start(
        topology: Topology,
        agents: Vec<Agent>,
        variables: &[(&'static str, String)],
    ) -> Self {
        let folder = testing::folder();
        define(&folder, &agents);
        let http = free(1);
        let mut shared = shared(&folder, http);
        if topology == Topology::Split {
            shared.push(("DATABASE_URL", testing::postgres_url().await));
            shared.push(("REDIS_URL", testing::redis_url().to_string()));
        }
        shared.extend(variables.iter().cloned());
        let agents = agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
        let said = Arc::default();
        let mut fleet = Self { agents, http, admin: Vec::new(), programs: BTreeMap::new(), said };
        match topology {
            Topology::One => fleet.spawn("mesh", &shared, &[("GRPC_LISTEN", free(6).to_string())]),
            Topology::Split => fleet.spawn_six(&shared),
        }
        fleet.wait().await;
        fleet
    }

    fn spawn_six(&mut self, shared: &[(&'static str, String)]) {
        let listen = SERVICES.map(|service| (service, free(1)));
        let variable = |service: &str| format!("{}_ADDR", service.to_uppercase());
        let peers: Vec<(String, String)> = listen
            .iter()
            .map(|(service, address)| (variable(service), format!("http://{address}")))
            .collect();
        for (service, address) in listen {
            let mut own = vec![("GRPC_LISTEN", address.to_string())];
            own.extend(peers.iter().map(|(name, url)| (name.as_str(), url.clone())));
            self.spawn(service, shared, &own);
        }
    }

    fn spawn(
        &mut self,
        name: &'static str,
        shared: &[(&'static str, String)],
        own: &[(&str, String)],
    ) {
        let admin = free(1);
        let mut command = Command::new(program(name));
        command
            .env_clear()
            .envs(chassis::testing::coverage())
            .envs(shared.iter().map(|(name, value)| (*name, value)))
            .envs(own.iter().map(|(name, value)| (*name, value)))
            .env("ADMIN_LISTEN", admin.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = self.run(name, &mut command);
        self.admin.push(admin);
        self.programs.insert(name, Program { command, child });
    }

    fn run(&self, name: &str, command: &mut Command) -> Child {
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        self.listen(child.stdout.take().unwrap());
        self.listen(child.stderr.take().unwrap());
        child
    }

    /// Keeps what a program says.
    fn listen(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let said = self.said.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                said.lock().unwrap().push(line);
            }
        });
    }

    /// Waits until all parts are there.
    async fn wait(&self) {
        let what = "the gateway listens";
        eventually(what, async || TcpStream::connect(self.http).await.ok()).await;
        self.client("probe").wait_until_healthy().await;
    }

    /// A client that acts as this user.
    pub(crate) fn client(&self, user: &str) -> Client {
        Client::new(self.http, user)
    }

    /// Every line that any of them has said so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// The metrics of all of them, one after the other.
    pub(crate) async fn metrics(&self) -> String {
        let mut all = String::new();
        for admin in &self.admin {
            all.push_str(&Client::new(*admin, "probe").get("/metrics").await.text);
        }
        all
    }

    /// The program that takes customers' requests.
    pub(crate) fn front(&self) -> &'static str {
        if self.programs.contains_key("mesh") { "mesh" } else { "gateway" }
    }

    /// Sends a signal to one of them.
    pub(crate) fn signal(&self, name: &str, kind: &str) {
        signal(&self.programs[name].child, kind);
    }

    /// Waits for one of them to end and gives its exit code.
    pub(crate) async fn ended(&mut self, name: &str) -> Option<i32> {
        let child = &mut self.programs.get_mut(name).unwrap().child;
        let status = tokio::time::timeout(END_LIMIT, child.wait()).await;
        status.unwrap_or_else(|_| panic!("{name} did not end")).unwrap().code()
    }

    /// Starts one again that has ended.
    pub(crate) fn start_again(&mut self, name: &'static str) {
        let mut program = self.programs.remove(name).unwrap();
        program.child = self.run(name, &mut program.command);
        self.programs.insert(name, program);
    }

    /// Ends all as an operator does, the front first, and gives who did not end well.
    pub(crate) async fn stop(&mut self) -> Vec<(&'static str, Option<i32>)> {
        let mut faults = Vec::new();
        let front = self.front();
        let rest: Vec<_> = self.programs.keys().copied().filter(|name| *name != front).collect();
        for name in std::iter::once(front).chain(rest) {
            self.signal(name, "-TERM");
            let code = self.ended(name).await;
            if code != Some(0) {
                faults.push((name, code));
            }
        }
        faults
    }
}

/// Sends a signal to a program, as an operator does.
pub(crate) fn signal(child: &Child, kind: &str) {
    let id = child.id().expect("the program runs").to_string();
    assert!(std::process::Command::new("kill").args([kind, &id]).status().unwrap().success());
}

/// The agents of a shop, each answering in its own name.
pub(crate) async fn shop() -> Vec<Agent> {
    futures::future::join_all(["sales", "support", "booking", "hello"].map(Agent::start)).await
}

fn define(folder: &Path, agents: &[Agent]) {
    let definitions = folder.join("agents");
    std::fs::create_dir(&definitions).unwrap();
    for agent in agents {
        std::fs::write(definitions.join(format!("{}.yaml", agent.id)), agent.definition()).unwrap();
    }
}

fn shared(folder: &Path, http: SocketAddr) -> Vec<(&'static str, String)> {
    let elsewhere = "https://agents.example.com/mcp".to_owned();
    vec![
        ("MESH_ENV", "test".to_owned()),
        ("PORT", http.port().to_string()),
        ("API_KEY", KEY.to_owned()),
        ("INTERNAL_TOKEN", TOKEN.to_owned()),
        ("ENABLE_RATE_LIMITING", "false".to_owned()),
        ("AGENT_HEALTH_INTERVAL_MS", "0".to_owned()),
        ("AGENT_ENDPOINT_ALLOWLIST", "127.0.0.1".to_owned()),
        ("AGENT_REGISTRY_DIR", folder.join("agents").display().to_string()),
        ("MESH_DB_PATH", folder.join("mesh.db").display().to_string()),
        ("REDIS_PREFIX", format!("{}:", testing::unique("test"))),
        // The shipped agents stay away.
        ("SALES_AGENT_ENDPOINT", elsewhere.clone()),
        ("SUPPORT_AGENT_ENDPOINT", elsewhere.clone()),
        ("BOOKING_AGENT_ENDPOINT", elsewhere.clone()),
        ("DEFAULT_AGENT_ENDPOINT", elsewhere),
    ]
}

/// All programs lie in one folder.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_mesh")).with_file_name(name);
    assert!(path.exists(), "{name} is not built: cargo build --workspace --bins");
    path
}
