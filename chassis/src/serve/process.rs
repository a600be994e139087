//! The course of a process: read the settings, begin, serve, be asked to end, end.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::{Server, admin};
use crate::config::{Common, Environment, Ports};
use crate::connect;
use crate::telemetry::{self, Telemetry};
use crate::{Database, Life, Link, Redis, Resources};

/// What closing may take once the work is over.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// A process that is still reading its settings.
#[derive(Debug)]
pub struct Start {
    /// Where settings come from, and where their faults gather.
    pub env: Environment,
    /// The settings that every process has.
    pub common: Common,
    name: &'static str,
}

/// A process that has its settings, its telemetry and its stores.
pub struct Process {
    /// What its services are built from.
    pub resources: Resources,
    /// The settings that every process has.
    pub common: Common,
    name: &'static str,
    // Flushes the last traces when the process ends.
    _telemetry: Telemetry,
}

/// Which store a process opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// It owns tables.
    Database,
    /// It owns none.
    None,
}

impl Start {
    /// Reads the shared settings of the process with this name.
    #[must_use]
    pub fn read(name: &'static str, ports: Ports) -> Self {
        let mut env = Environment::of_process();
        let file =
            if name == "mesh" { "./mesh.db".to_owned() } else { format!("./mesh-{name}.db") };
        let common = Common::read(&mut env, ports, &file);
        if name != "mesh" {
            common.require_token(&mut env);
        }
        Self { env, common, name }
    }

    /// Where a peer is: by default on loopback at its default port.
    pub fn peer(&mut self, variable: &str, port: u16) -> Url {
        let url = self.env.url_or(variable, &format!("http://127.0.0.1:{port}"));
        if url.scheme() != "http" || !url.has_host() {
            self.env.fault(variable, format!("'{url}' is not http://HOST:PORT"));
        }
        url
    }

    /// Begins, unless a setting is at fault: then every fault is in the error.
    pub async fn begin(self, store: Store) -> anyhow::Result<Process> {
        let Self { env, common, name } = self;
        env.finish()?;
        let telemetry = telemetry::start(name, &common)?;
        let database = match store {
            Store::Database => Some(Database::open(&common).await?),
            Store::None => None,
        };
        let open = |url| Redis::open(url, &common.redis_prefix).context("REDIS_URL cannot be used");
        let redis = common.redis_url.as_ref().map(open).transpose()?;
        let (life, mode) = (Life::new(), common.mode);
        let resources = Resources { database, redis, life, mode, resolver: connect::system() };
        Ok(Process { resources, common, name, _telemetry: telemetry })
    }
}

impl Process {
    /// A way to a peer.
    #[must_use]
    pub fn link(&self, url: &Url) -> Link {
        Link::remote(url, self.common.internal_token.as_deref())
    }

    /// A server whose callers must carry the internal token, if there is one.
    #[must_use]
    pub fn server(&self) -> Server {
        Server::new(self.common.internal_token.as_deref()).limited(self.common.calls_max)
    }

    /// Says what several replicas of this process would lack.
    pub fn warn_of_local_stores(&self) {
        let service = self.name;
        if self.resources.database.as_ref().is_some_and(Database::is_embedded) {
            tracing::warn!(service, "DATABASE_URL is not set: this process may have no replica");
        }
        if self.resources.redis.is_none() {
            tracing::warn!(service, "REDIS_URL is not set: shared state stays in this process");
        }
    }

    /// Serves on the addresses of the settings until asked to end, and ends.
    pub async fn serve(self, server: Server) -> anyhow::Result<ExitCode> {
        let listener = bind(self.common.grpc_listen).await?;
        tracing::info!(address = %listener.local_addr()?, "{} is ready", self.name);
        server.serve(listener, &self.resources.life)?;
        self.wait().await
    }

    /// Serves the admin page until asked to end, and ends.
    pub async fn wait(self) -> anyhow::Result<ExitCode> {
        let life = &self.resources.life;
        admin(bind(self.common.admin_listen).await?, self.name, life);
        asked_to_end(life).await?;
        let code = end(life, self.common.shutdown_grace_ms).await;
        if let Some(database) = &self.resources.database {
            let _ = tokio::time::timeout(CLOSE_LIMIT, database.pool.close()).await;
        }
        Ok(code)
    }
}

/// Listens on an address.
pub async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Resolves with the first SIGTERM or SIGINT, or when the life is stopping; a second signal exits at once.
async fn asked_to_end(life: &Life) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = life.stopping() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(())
}

/// Ends a life: the work within the grace period, then the connections. Success means that all work was done.
pub async fn end(life: &Life, grace_ms: i64) -> ExitCode {
    life.stop();
    let grace = Duration::from_millis(grace_ms.unsigned_abs());
    let is_done = tokio::time::timeout(grace, life.finished()).await.is_ok();
    life.close();
    let is_closed = tokio::time::timeout(CLOSE_LIMIT, life.closed()).await.is_ok();
    tracing::info!(is_done, is_closed, "stopped");
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
