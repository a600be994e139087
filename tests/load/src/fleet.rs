//! The processes of a run: started on free ports of loopback, ended with the run.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::Environment;
use tokio::process::{Child, Command};

use crate::caller::Target;

/// The key of every caller.
pub(crate) const KEY: &str = "a-key-for-measuring";
/// How long a process may take to answer its first request.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Ticks of CPU time in a second, as Linux counts them for users.
const TICKS: u64 = 100;

const DEFINITION: &str = "\
agent_id: NAME
display_name: NAME
description: DESCRIPTION
type: mcp
endpoint: http://AGENT/mcp
is_default: DEFAULT
confidence_threshold: THRESHOLD
clarification_required: false
examples: [EXAMPLES]
cost: {model: gpt-4o-mini, max_output_tokens: 64}
";

/// Everything that runs.
pub(crate) struct Fleet {
    children: Vec<Child>,
    targets: Vec<Target>,
    _folder: tempfile::TempDir,
}

/// Starts processes and remembers them, so that none survives a failure.
struct Starter {
    programs: PathBuf,
    folder: PathBuf,
    children: Vec<Child>,
}

impl Fleet {
    /// Starts the agent, the proxy and the mesh.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let programs = std::env::current_exe()?;
        let programs = programs.parent().context("the program lies in a folder")?.to_owned();
        let mut starter =
            Starter { programs, folder: folder.path().to_owned(), children: Vec::new() };
        let (agent, proxy) = (free()?, free()?);
        starter.spawn("load", &["agent", &agent.to_string()], &[])?;
        let arguments = ["proxy", &proxy.to_string(), &agent.to_string()];
        let proxy_id = starter.spawn("load", &arguments, &[])?;
        define(folder.path(), agent)?;
        let mut targets =
            vec![Target { name: "B".to_owned(), address: proxy, processes: vec![proxy_id] }];
        targets.push(starter.one_process()?);
        let mut env = Environment::of_process();
        if let (Some(database), Some(redis)) =
            (env.text("TEST_DATABASE_URL"), env.text("TEST_REDIS_URL"))
        {
            let database = chassis::testing::postgres_url_on(&database).await;
            targets.push(starter.six_processes(&database, &redis)?);
        }
        wait_for(agent).await?;
        for target in &targets {
            wait_for(target.address).await.with_context(|| target.name.clone())?;
        }
        wait_for_answers(&targets).await?;
        Ok(Self { children: starter.children, targets, _folder: folder })
    }

    /// Whom to measure, B first.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Ends every process.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for child in &mut self.children {
            child.kill().await?;
        }
        Ok(())
    }
}

impl Starter {
    fn spawn(
        &mut self,
        name: &str,
        arguments: &[&str],
        env: &[(&str, String)],
    ) -> anyhow::Result<u32> {
        let path = self.programs.join(name);
        let child = Command::new(&path)
            .args(arguments)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}; build it first", path.display()))?;
        let id = child.id().context("the process has just been started")?;
        self.children.push(child);
        Ok(id)
    }

    fn one_process(&mut self) -> anyhow::Result<Target> {
        let http = free()?;
        let mut env = shared(&self.folder)?;
        env.extend([
            ("PORT", http.port().to_string()),
            ("GRPC_LISTEN", "127.0.0.1:0".to_owned()),
            ("MESH_DB_PATH", self.folder.join("mesh.db").display().to_string()),
        ]);
        env.extend(endpoints());
        let id = self.spawn("mesh", &[], &env)?;
        Ok(Target { name: "one process, SQLite".to_owned(), address: http, processes: vec![id] })
    }

    fn six_processes(&mut self, database: &str, redis: &str) -> anyhow::Result<Target> {
        let names = ["gateway", "classifier", "registry", "budget", "router", "handoff"];
        let variables = [
            "GATEWAY_ADDR",
            "CLASSIFIER_ADDR",
            "REGISTRY_ADDR",
            "BUDGET_ADDR",
            "ROUTER_ADDR",
            "HANDOFF_ADDR",
        ];
        let http = free()?;
        let mut ports = Vec::new();
        for _ in names {
            ports.push(free()?);
        }
        let mut processes = Vec::new();
        for (name, listen) in names.iter().zip(&ports) {
            let mut env = shared(&self.folder)?;
            env.extend([
                ("PORT", http.port().to_string()),
                ("GRPC_LISTEN", listen.to_string()),
                ("DATABASE_URL", database.to_owned()),
                ("REDIS_URL", redis.to_owned()),
                ("REDIS_PREFIX", format!("load-{}:", std::process::id())),
            ]);
            let peers = variables.iter().zip(&ports);
            env.extend(peers.map(|(variable, port)| (*variable, format!("http://{port}"))));
            processes.push(self.spawn(name, &[], &env)?);
        }
        Ok(Target {
            name: "six processes, Postgres and Redis".to_owned(),
            address: http,
            processes,
        })
    }
}

/// What every process of the mesh is told: everything on, with limits that the run does not reach.
fn shared(folder: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let budgets = folder.join("budgets.yaml");
    let text = "budgets:\n  - {scope: \"org:mesh\", limit_usd: 100000, period: none}\n  - {scope: \"user:*\", limit_usd: 1000, period: none}\n";
    std::fs::write(&budgets, text)?;
    Ok(vec![
        ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("API_KEY", KEY.to_owned()),
        ("AGENT_REGISTRY_DIR", folder.join("agents").display().to_string()),
        ("AGENT_ENDPOINT_ALLOWLIST", "127.0.0.1".to_owned()),
        ("BUDGETS_FILE", budgets.display().to_string()),
        ("RATE_LIMIT_MAX_REQUESTS", "10000000".to_owned()),
        ("RATE_LIMIT_IP_MAX_REQUESTS", "10000000".to_owned()),
        ("LOG_LEVEL", "error".to_owned()),
    ])
}

/// The shipped agents stay away: their endpoints are said to be elsewhere.
fn endpoints() -> [(&'static str, String); 4] {
    [
        "SALES_AGENT_ENDPOINT",
        "SUPPORT_AGENT_ENDPOINT",
        "BOOKING_AGENT_ENDPOINT",
        "DEFAULT_AGENT_ENDPOINT",
    ]
    .map(|name| (name, "https://agents.example.com/mcp".to_owned()))
}

fn define(folder: &Path, agent: SocketAddr) -> anyhow::Result<()> {
    let folder = folder.join("agents");
    std::fs::create_dir(&folder)?;
    let definitions = [
        (
            "support",
            "Orders, deliveries, returns and refunds.",
            "false",
            "0.1",
            "I need help with my order 1042, Where is my parcel, I want to return it",
        ),
        ("hello", "Greets.", "true", "0", "Hello, Good morning"),
    ];
    for (name, description, is_default, threshold, examples) in definitions {
        let text = DEFINITION
            .replace("NAME", name)
            .replace("DESCRIPTION", &format!("\"{description}\""))
            .replace("THRESHOLD", threshold)
            .replace("EXAMPLES", examples)
            .replace("DEFAULT", is_default)
            .replace("AGENT", &agent.to_string());
        std::fs::write(folder.join(format!("{name}.yaml")), text)?;
    }
    Ok(())
}

/// A port that nobody listens on right now.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let connected = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(START_LIMIT, connected)
        .await
        .with_context(|| format!("nobody listens on {address}"))
}

/// Peers may still be connecting when a gateway already listens.
async fn wait_for_answers(targets: &[Target]) -> anyhow::Result<()> {
    for target in targets {
        let answered = async {
            while let Err(error) = crate::caller::run(target, 1, Duration::from_millis(1)).await {
                let _ = error;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(START_LIMIT, answered)
            .await
            .with_context(|| format!("{} does not answer", target.name))?;
    }
    Ok(())
}

/// CPU time of the processes so far, user and system.
pub(crate) fn cpu_micros(processes: &[u32]) -> u64 {
    let of = |id: &u32| {
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let rest = text.rsplit_once(')')?.1;
        let mut fields = rest.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some((user + system) * (1_000_000 / TICKS))
    };
    processes.iter().filter_map(of).sum()
}

/// Resident memory of the processes.
pub(crate) fn memory_kib(processes: &[u32]) -> u64 {
    let of = |id: &u32| {
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    processes.iter().filter_map(of).sum()
}
