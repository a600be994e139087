//! A program as a process that can be signalled, and that ends with its handle.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How a process is started, as often as needed.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in reports, and in the name of its log.
    pub name: String,
    /// The file that is run.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// All that it finds in its environment.
    pub variables: Vec<(String, String)>,
    /// Where it runs.
    pub folder: PathBuf,
    /// The user and group that it runs as, when not as ours.
    pub user: Option<(u32, u32)>,
    /// The folder of its log; without one only its errors are shown.
    pub logs: Option<PathBuf>,
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Program {
    /// A program with nothing in its environment.
    #[must_use]
    pub fn new(path: PathBuf, arguments: &[&str], folder: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        let (variables, folder) = (Vec::new(), folder.to_owned());
        Self { name, path, arguments, variables, folder, user: None, logs: None }
    }

    /// Starts it.
    pub fn start(&self) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        if let Some(logs) = &self.logs {
            let path = logs.join(format!("{}.log", self.name));
            let log = OpenOptions::new().create(true).append(true).open(path)?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        let path = self.path.display();
        let child = command.spawn().with_context(|| format!("{path} cannot be started"))?;
        Ok(Process { child })
    }
}

impl Process {
    /// Its id, while it has not ended.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal, unless it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.id().map_or(Ok(()), |id| send(id, signal))
    }

    /// Sends a signal to it and to the processes that it has started.
    pub fn signal_all(&self, signal: Signal) -> io::Result<()> {
        let Some(id) = self.id() else { return Ok(()) };
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace().flat_map(str::parse) {
            // A child may end at any moment.
            let _ = send(child, signal);
        }
        send(id, signal)
    }

    /// Resolves when it has ended.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends it where it stands.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

fn send(id: u32, signal: Signal) -> io::Result<()> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    let id = id.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(id, signal)?)
}

/// The folder of the programs that were built together with the one that runs.
pub fn programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a program lies in a folder")?;
    // Tests lie one folder deeper.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(folder.context("a folder of tests lies in one of programs")?.to_owned())
}
