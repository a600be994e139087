//! The composition root: all six services in one process, linked without a network.
//!
//! Each service is built by the same `build` that its own binary calls; only the links between them differ. Whoever embeds
//! the mesh may answer for agents of type `inprocess` with a [`Handler`] of their own:
//!
//! ```
//! use mesh::Settings;
//! use mesh::handler::{CallToolResult, ErrorData, Handler, Inquiry, async_trait};
//!
//! struct OpeningHours;
//!
//! #[async_trait]
//! impl Handler for OpeningHours {
//!     async fn handle_message(&self, _: Inquiry<'_>) -> Result<CallToolResult, ErrorData> {
//!         let reply = serde_json::json!({"content": "We are open from 9 to 6.", "workflow_complete": false});
//!         Ok(CallToolResult::structured(reply))
//!     }
//! }
//!
//! let mut settings = Settings::read(&mut chassis::config::Environment::default(), None);
//! let handlers = settings.router.handlers.with("opening-hours", OpeningHours);
//! settings.router.handlers = handlers;
//! ```

pub mod settings;

use std::net::SocketAddr;

use anyhow::Context as _;
use chassis::serve::{self, Server};
use chassis::{Link, Resources};
use proto::v1::ListAgentsRequest;
use proto::v1::registry_client::RegistryClient;
use tokio::net::TcpListener;

pub use crate::settings::Settings;
pub use router::handler::{self, Handler};

/// The listeners of one process.
#[derive(Debug)]
pub struct Listeners {
    /// For customers: REST and WebSocket.
    pub http: TcpListener,
    /// For other services: gateway, classifier, registry, budget, router, handoff.
    pub grpc: [TcpListener; 6],
    /// For the shipped agents, when they are served here.
    pub desk: Option<TcpListener>,
}

/// A running mesh.
#[derive(Debug)]
pub struct Mesh {
    /// Where customers reach it.
    pub http: SocketAddr,
    /// How many agents it has loaded.
    pub agents: usize,
}

/// Builds the six services in the order of their calls, links them, and serves them until the life is closing.
pub async fn start(
    settings: &Settings,
    resources: &Resources,
    token: Option<&str>,
    listeners: Listeners,
) -> anyhow::Result<Mesh> {
    let life = &resources.life;
    if let (Some(config), Some(listener)) = (&settings.desk, listeners.desk) {
        let agents = desk::build(config).await.context("the shipped agents cannot start")?;
        serve::http("desk", listener, agents, life);
    }
    // Here both know each other, and nobody has to be told.
    let handlers = settings.router.handlers.names();
    let config = registry::Config { handlers, ..settings.registry.clone() };
    let registry = registry::build(&config, resources).await?;
    let link = Link::local(registry.clone());
    let peers = classifier::Peers { registry: link.clone() };
    let classifier = classifier::build(&settings.classifier, resources, peers).await?;
    let budget = budget::build(&settings.budget, resources).await?;
    let peers = handoff::Peers { registry: link.clone() };
    let handoff = handoff::build(&settings.handoff, resources, peers).await?;
    let peers = router::Peers {
        classifier: Link::local(classifier.clone()),
        registry: link.clone(),
        budget: Link::local(budget.clone()),
        handoff: Link::local(handoff.clone()),
    };
    let router = router::build(&settings.router, resources, peers).await?;
    let peers = gateway::Peers {
        router: Link::local(router.clone()),
        registry: link.clone(),
        budget: Link::local(budget.clone()),
        classifier: Link::local(classifier.clone()),
        handoff: Link::local(handoff.clone()),
    };
    let edge = gateway::build(&settings.gateway, resources, peers).await?;

    let [for_gateway, for_classifier, for_registry, for_budget, for_router, for_handoff] =
        listeners.grpc;
    let server = || Server::new(token).describing(proto::DESCRIPTORS);
    server().with(edge.server).serve(for_gateway, life)?;
    server().with(classifier).serve(for_classifier, life)?;
    server().with(registry).serve(for_registry, life)?;
    server().with(budget).serve(for_budget, life)?;
    server().with(router).serve(for_router, life)?;
    server().with(handoff).serve(for_handoff, life)?;

    let http = listeners.http.local_addr()?;
    serve::http("gateway", listeners.http, edge.http, life);
    Ok(Mesh { http, agents: agents_of(link).await? })
}

async fn agents_of(registry: Link) -> anyhow::Result<usize> {
    let list = RegistryClient::new(registry).list_agents(ListAgentsRequest::default()).await;
    Ok(list.context("the registry does not answer")?.into_inner().agents.len())
}
