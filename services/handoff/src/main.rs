//! The service `handoff` as a process of its own.

use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{Start, Store};
use handoff::{Config, Peers};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("handoff", Ports { grpc: 50055, admin: 9469 });
    let config = Config::read(&mut start.env);
    let registry = start.peer("REGISTRY_ADDR", 50052);
    let process = start.begin(Store::Database).await?;
    process.warn_of_local_stores();
    let peers = Peers { registry: process.link(&registry) };
    let service = handoff::build(&config, &process.resources, peers).await?;
    let server = process.server().with(service).describing(proto::DESCRIPTORS);
    process.serve(server).await
}
