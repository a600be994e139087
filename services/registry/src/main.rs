//! The service `registry` as a process of its own.

use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{Start, Store};
use registry::Config;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("registry", Ports { grpc: 50052, admin: 9466 });
    let config = Config::read(&mut start.env);
    let process = start.begin(Store::None).await?;
    process.warn_of_local_stores();
    let service = registry::build(&config, &process.resources).await?;
    let server = process.server().with(service).describing(proto::DESCRIPTORS);
    process.serve(server).await
}
