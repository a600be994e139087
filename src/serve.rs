//! `mesh serve`: all six services in this process, with the shipped agents when nobody else serves them.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{Process, Start, Store, bind};
use mesh::settings::{Settings, shipped};
use mesh::{Listeners, Mesh};
use tokio::net::TcpListener;

/// Runs until asked to end.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("mesh", Ports { grpc: 50050, admin: 9464 });
    let desk = match shipped(&mut start.env, &start.common) {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = desk.as_ref().map(TcpListener::local_addr).transpose()?;
    let settings = Settings::read(&mut start.env, address);
    let process = start.begin(Store::Database).await?;
    let listeners = Listeners {
        http: bind(settings.gateway.listen).await?,
        grpc: six(process.common.grpc_listen).await?,
        desk,
    };
    let token = process.common.internal_token.as_deref();
    let mesh = mesh::start(&settings, &process.resources, token, listeners).await?;
    tracing::info!("Server started on port {}, agents loaded: {}", mesh.http.port(), mesh.agents);
    greet(&mesh, &settings, &process);
    process.wait().await
}

/// Six listeners from the first address on; port 0 takes any that are free.
async fn six(first: SocketAddr) -> anyhow::Result<[TcpListener; 6]> {
    let at = |offset: u16| match first.port() {
        0 => first,
        port => SocketAddr::new(first.ip(), port.saturating_add(offset)),
    };
    Ok([
        bind(at(0)).await?,
        bind(at(1)).await?,
        bind(at(2)).await?,
        bind(at(3)).await?,
        bind(at(4)).await?,
        bind(at(5)).await?,
    ])
}

/// Tells a person at a terminal what to do next. A place without people gets the log alone.
fn greet(mesh: &Mesh, settings: &Settings, process: &Process) {
    if process.common.mode != chassis::Mode::Development || !settings.gateway.uses_development_key()
    {
        return;
    }
    let address = mesh.http;
    let text = format!(
        "
Handoff Mesh is ready with {agents} agents. Ask it something:

  curl -s http://{address}/v1/request -H 'x-api-key: dev-key' -H 'content-type: application/json' \\
    -d '{{\"input\":\"I need help with my order\",\"user_id\":\"user-1\"}}'

or keep talking, here or with any WebSocket client:

  mesh chat --url ws://{address}/ws        (cargo run --release -- chat …)
  npx wscat -c 'ws://{address}/ws?user_id=user-1&api_key=dev-key' -x '{{\"type\":\"message\",\"input\":\"hello\"}}' -w 5

",
        agents = mesh.agents
    );
    // A terminal that is gone wants no greeting.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
