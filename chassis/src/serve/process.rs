//! The course of a process: start, serve, be asked to end, end.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Server, admin};
use crate::config::{Common, Environment, Ports};
use crate::{Database, Life, Redis, Resources, telemetry};

/// What closing may take once the work is over.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Runs a service as a process of its own: reads its settings, builds it, serves it and its admin page, and ends it
/// when asked to. `owns_database` is whether it keeps a store.
pub async fn run<C, F, Fut>(
    name: &'static str,
    ports: Ports,
    owns_database: bool,
    start: F,
) -> anyhow::Result<ExitCode>
where
    C: Send,
    F: FnOnce(Environment, Resources) -> Fut,
    Fut: Future<Output = anyhow::Result<(Server, C)>>,
{
    let mut env = Environment::of_process();
    let common = Common::read(&mut env, ports, &format!("./mesh-{name}.db"));
    common.require_token(&mut env);
    let _telemetry = telemetry::start(name, &common)?;
    let life = Life::new();
    let database = match owns_database {
        true => Some(Database::open(&common).await?),
        false => None,
    };
    let redis = open_redis(&common)?;
    let resources = Resources { database, redis, life: life.clone(), mode: common.mode };
    let (server, _kept) = start(env, resources).await?;
    let listener = TcpListener::bind(common.grpc_listen)
        .await
        .with_context(|| format!("cannot listen on {}", common.grpc_listen))?;
    let admin_listener = TcpListener::bind(common.admin_listen)
        .await
        .with_context(|| format!("cannot listen on {}", common.admin_listen))?;
    tracing::info!(address = %common.grpc_listen, "{name} is ready");
    server.serve(listener, &life)?;
    admin(admin_listener, name, &life);
    asked_to_end(&life).await?;
    Ok(end(&life, common.shutdown_grace_ms).await)
}

/// Opens Redis when the settings name one.
pub(crate) fn open_redis(common: &Common) -> anyhow::Result<Option<Redis>> {
    let open = |url| Redis::open(url, &common.redis_prefix).context("REDIS_URL cannot be used");
    common.redis_url.as_ref().map(open).transpose()
}

/// Resolves with the first SIGTERM or SIGINT, or when the life is stopping; a second signal exits at once.
pub async fn asked_to_end(life: &Life) -> anyhow::Result<()> {
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
