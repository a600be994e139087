//! The service `gateway` as a process of its own.

use std::process::ExitCode;

use chassis::config::Ports;
use chassis::serve::{self, Start, Store, bind};
use gateway::{Config, Peers};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut start = Start::read("gateway", Ports { grpc: 50050, admin: 9464 });
    let config = Config::read(&mut start.env);
    let router = start.peer("ROUTER_ADDR", 50054);
    let registry = start.peer("REGISTRY_ADDR", 50052);
    let budget = start.peer("BUDGET_ADDR", 50053);
    let classifier = start.peer("CLASSIFIER_ADDR", 50051);
    let handoff = start.peer("HANDOFF_ADDR", 50055);
    let process = start.begin(Store::None).await?;
    process.warn_of_local_stores();
    let peers = Peers {
        router: process.link(&router),
        registry: process.link(&registry),
        budget: process.link(&budget),
        classifier: process.link(&classifier),
        handoff: process.link(&handoff),
    };
    let edge = gateway::build(&config, &process.resources, peers).await?;
    let listener = bind(config.listen).await?;
    serve::http("gateway", listener, edge.http, &process.resources.life);
    let server = process.server().with(edge.server).describing(proto::DESCRIPTORS);
    process.serve(server).await
}
