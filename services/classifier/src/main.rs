//! The service `classifier` as a process of its own.

use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{Start, Store};
use classifier::{Config, Peers};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("classifier", Ports { grpc: 50051, admin: 9465 });
    let config = Config::read(&mut start.env);
    let registry = start.peer("REGISTRY_ADDR", 50052);
    let process = start.begin(Store::None).await?;
    let peers = Peers { registry: process.link(&registry) };
    let service = classifier::build(&config, &process.resources, peers).await?;
    let server = process.server().with(service).describing(proto::DESCRIPTORS);
    process.serve(server).await
}
