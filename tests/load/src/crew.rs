//! The processes of a run: started on free ports of loopback, ended with the run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::Environment;
use fleet::{Column, Definition, Ports, Process, Program, SERVICES, common, wait_for};

use crate::caller::{Crowd, Target};

/// The first question of all.
const FIRST: Crowd = Crowd { callers: 1, messages: 1, window: Duration::from_millis(1) };
/// How long a process may take to answer its first request.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Ticks of CPU time in a second, as Linux counts them for users.
const TICKS: u64 = 100;

/// Whom the callers talk to, and who answers when nobody else does.
const AGENTS: [Definition<'_>; 2] = [
    Definition {
        id: "support",
        description: "Orders, deliveries, returns and refunds.",
        examples: &["I need help with my order 1042", "Where is my parcel", "I want to return it"],
        is_default: false,
        extra: "",
    },
    Definition {
        id: "hello",
        description: "Greets.",
        examples: &["Hello", "Good morning"],
        is_default: true,
        extra: "",
    },
];

/// Everything that runs.
pub(crate) struct Crew {
    processes: Vec<Process>,
    targets: Vec<Target>,
    _folder: tempfile::TempDir,
}

/// Starts processes and remembers them, so that none survives a failure.
struct Starter {
    programs: PathBuf,
    folder: PathBuf,
    ports: Ports,
    processes: Vec<Process>,
}

impl Crew {
    /// Starts the agent, the proxy and the mesh.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut starter = Starter::new(folder.path())?;
        let (agent, proxy) = (starter.ports.draw()?, starter.ports.draw()?);
        starter.load(&["agent", &agent.to_string()])?;
        let proxy_id = starter.load(&["proxy", &proxy.to_string(), &agent.to_string()])?;
        define(folder.path(), agent)?;
        let mut targets =
            vec![Target { name: "B".to_owned(), address: proxy, processes: vec![proxy_id] }];
        targets.push(starter.one_process(&[])?);
        let mut env = Environment::of_process();
        if let (Some(database), Some(redis)) =
            (env.text("TEST_DATABASE_URL"), env.text("TEST_REDIS_URL"))
        {
            let database = chassis::testing::postgres_url_on(&database).await;
            targets.push(starter.six_processes(&database, &redis)?);
        }
        wait_for(agent, START_LIMIT).await?;
        for target in &targets {
            let listens = wait_for(target.address, START_LIMIT).await;
            listens.with_context(|| target.name.clone())?;
        }
        wait_for_answers(&targets).await?;
        Ok(Self { processes: starter.processes, targets, _folder: folder })
    }

    /// Starts the agent and the mesh as one process, with these settings beside the usual ones.
    pub(crate) async fn alone(settings: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut starter = Starter::new(folder.path())?;
        let agent = starter.ports.draw()?;
        starter.load(&["agent", &agent.to_string()])?;
        define(folder.path(), agent)?;
        let targets = vec![starter.one_process(settings)?];
        wait_for(agent, START_LIMIT).await?;
        wait_for_answers(&targets).await?;
        Ok(Self { processes: starter.processes, targets, _folder: folder })
    }

    /// Whom to measure, B first.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Ends every process.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            process.kill().await?;
        }
        Ok(())
    }
}

impl Starter {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let (programs, folder) = (fleet::programs()?, folder.to_owned());
        Ok(Self { programs, folder, ports: Ports::default(), processes: Vec::new() })
    }

    fn start(&mut self, program: &Program) -> anyhow::Result<u32> {
        let process = program.start()?;
        let id = process.id().context("the process has just been started")?;
        self.processes.push(process);
        Ok(id)
    }

    /// Starts a part of this program.
    fn load(&mut self, arguments: &[&str]) -> anyhow::Result<u32> {
        self.start(&Program::new(self.programs.join("load"), arguments, &self.folder))
    }

    fn one_process(&mut self, more: &[(&'static str, String)]) -> anyhow::Result<Target> {
        let http = self.ports.draw()?;
        let mut program = Program::new(self.programs.join("mesh"), &[], &self.folder);
        let mut settings = common(&self.folder)?;
        settings.extend([
            ("PORT", http.port().to_string()),
            ("GRPC_LISTEN", "127.0.0.1:0".to_owned()),
            ("MESH_DB_PATH", self.folder.join("mesh.db").display().to_string()),
        ]);
        settings.extend(endpoints());
        settings.extend_from_slice(more);
        program.variables =
            settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let id = self.start(&program)?;
        Ok(Target { name: "one process, SQLite".to_owned(), address: http, processes: vec![id] })
    }

    fn six_processes(&mut self, database: &str, redis: &str) -> anyhow::Result<Target> {
        let column = Column::draw(&mut self.ports)?;
        let mut settings = common(&self.folder)?;
        settings.extend([
            ("DATABASE_URL", database.to_owned()),
            ("REDIS_URL", redis.to_owned()),
            ("REDIS_PREFIX", format!("load-{}:", std::process::id())),
        ]);
        let mut processes = Vec::new();
        for service in SERVICES {
            let program = column.program(service, (&self.programs, &self.folder), &settings);
            processes.push(self.start(&program)?);
        }
        let name = "six processes, Postgres and Redis".to_owned();
        Ok(Target { name, address: column.http, processes })
    }
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
    for definition in AGENTS {
        definition.write(&folder, &format!("http://{agent}/mcp"))?;
    }
    Ok(())
}

/// Peers may still be connecting when a gateway already listens.
async fn wait_for_answers(targets: &[Target]) -> anyhow::Result<()> {
    for target in targets {
        let answered = async {
            while let Err(error) = crate::caller::run(target, FIRST).await {
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
