//! The service `router` as a process of its own.

use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{Start, Store};
use router::{Config, Peers};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("router", Ports { grpc: 50054, admin: 9468 });
    let config = Config::read(&mut start.env);
    let classifier = start.peer("CLASSIFIER_ADDR", 50051);
    let registry = start.peer("REGISTRY_ADDR", 50052);
    let budget = start.peer("BUDGET_ADDR", 50053);
    let handoff = start.peer("HANDOFF_ADDR", 50055);
    let process = start.begin(Store::Database).await?;
    process.warn_of_local_stores();
    let peers = Peers {
        classifier: process.link(&classifier),
        registry: process.link(&registry),
        budget: process.link(&budget),
        handoff: process.link(&handoff),
    };
    let service = router::build(&config, &process.resources, peers).await?;
    let server = process.server().with(service).describing(proto::DESCRIPTORS);
    process.serve(server).await
}
