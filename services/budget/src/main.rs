//! The service `budget` as a process of its own.

use std::process::ExitCode;

use budget::Config;
use chassis::config::Ports;
use chassis::serve::{Start, Store};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("budget", Ports { grpc: 50053, admin: 9467 });
    let config = Config::read(&mut start.env);
    let process = start.begin(Store::Database).await?;
    process.warn_of_local_stores();
    let service = budget::build(&config, &process.resources).await?;
    let server = process.server().with(service).describing(proto::DESCRIPTORS);
    process.serve(server).await
}
