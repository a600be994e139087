//! The program as a person starts it, with a folder of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use chassis::testing;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// What a command has said when it has ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// What it answered.
    pub(crate) out: String,
    /// What it complained about.
    pub(crate) err: String,
}

impl Said {
    /// The answer as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A mesh that runs as a program of its own, until it is dropped.
pub(crate) struct Running {
    /// The folder that it runs in.
    pub(crate) folder: PathBuf,
    /// Where customers reach it.
    pub(crate) http: SocketAddr,
    /// What it printed until it was ready.
    pub(crate) greeting: String,
    /// The process.
    pub(crate) child: Child,
    grpc: SocketAddr,
}

impl Running {
    /// Starts the program in a folder and waits until it says that it is ready.
    pub(crate) async fn start(folder: PathBuf) -> Self {
        Self::at(folder, free(1), free(6)).await
    }

    /// Kills the program, if it still runs, and starts it again where it was.
    pub(crate) async fn again(mut self) -> Self {
        self.child.kill().await.unwrap();
        Self::at(self.folder, self.http, self.grpc).await
    }

    async fn at(folder: PathBuf, http: SocketAddr, grpc: SocketAddr) -> Self {
        let mut command = mesh(&folder);
        command.env("PORT", http.port().to_string()).env("GRPC_LISTEN", grpc.to_string());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            greeting.push_str(&line);
            greeting.push('\n');
            if line.contains("npx wscat -c") {
                break;
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { folder, http, greeting, child, grpc }
    }

    /// Where its budget service listens.
    pub(crate) fn budget(&self) -> String {
        self.service(3)
    }

    /// Where its router listens.
    pub(crate) fn router(&self) -> String {
        self.service(4)
    }

    fn service(&self, place: u16) -> String {
        format!("http://{}", SocketAddr::new(self.grpc.ip(), self.grpc.port() + place))
    }
}

/// The program with nothing set but where it may listen and what it serves.
pub(crate) fn mesh(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh"));
    command
        .env_clear()
        .envs(chassis::testing::coverage())
        .env("AGENT_REGISTRY_DIR", root().join("agents"))
        .env("DESK_BUSINESS_DIR", root().join("agents/business"))
        .env("ADMIN_LISTEN", "127.0.0.1:0")
        .env("GRPC_LISTEN", "127.0.0.1:0")
        .env("DESK_LISTEN", "127.0.0.1:0")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command of the program to its end, in a new folder.
pub(crate) async fn run(arguments: &[&str]) -> Said {
    said(mesh(&testing::folder()).args(arguments)).await
}

/// Runs a command to its end.
pub(crate) async fn said(command: &mut Command) -> Said {
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first of so many ports in a row that nobody listens on right now.
pub(crate) fn free(count: u16) -> SocketAddr {
    let bind = |port: u16| TcpListener::bind(("127.0.0.1", port));
    let first = || {
        let address = bind(0).unwrap().local_addr().unwrap();
        let last = address.port().checked_add(count - 1)?;
        (address.port()..=last).all(|port| bind(port).is_ok()).then_some(address)
    };
    (0..100).find_map(|_| first()).expect("some ports in a row are free")
}
