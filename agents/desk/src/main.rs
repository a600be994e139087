//! The shipped agents as a process of their own.

use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{Start, Store, bind, http};

/// The desks speak no gRPC; the admin port follows those of the services.
const PORTS: Ports = Ports { grpc: 0, admin: 9470 };

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("desk", PORTS);
    let config = desk::Config::read(&mut start.env);
    let process = start.begin(Store::None).await?;
    let router = desk::build(&config).await?;
    http("desk", bind(config.listen).await?, router, &process.resources.life);
    tracing::info!(address = %config.listen, "desk is ready");
    process.wait().await
}
