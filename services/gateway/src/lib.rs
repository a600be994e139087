//! The edge of the mesh: who comes in, how often, and what they see.
//!
//! It authenticates, limits, parses and translates; what a message means is decided by the router behind it. Nothing of
//! a conversation is stored here.

mod auth;
mod budget_headers;
#[cfg(test)]
mod chaos;
mod config;
mod drain;
mod envelope;
mod extract;
mod fanout;
mod fields;
mod frame;
mod front;
mod health;
mod http;
mod identity;
mod limit;
mod mcp;
mod message;
mod middleware;
mod money;
mod openapi;
mod problem;
mod proxy;
mod resolve;
mod routes;
mod service;
mod slack;
mod sse;
mod tickets;
mod time;
mod turn;
mod view;
mod websocket;

use chassis::Resources;
use proto::v1::gateway_server::GatewayServer;

pub use crate::config::{Config, KeySource, Rate, Slack, Sockets};
pub use crate::front::Peers;
pub use crate::money::Usd;
pub use crate::service::Service;
pub use crate::time::Time;
pub use crate::view::{Budget, Decision, Report};

/// Both sides of the gateway.
#[derive(Clone, Debug)]
pub struct Edge {
    /// For other services.
    pub server: GatewayServer<Service>,
    /// For customers. Handlers need to know the address of the peer: serve it with its connect info.
    pub http: axum::Router,
}

/// Builds the gateway.
pub async fn build(config: &Config, resources: &Resources, peers: Peers) -> anyhow::Result<Edge> {
    let front = front::Front::open(config, resources, peers)?;
    front.fanout.connect().await;
    let http = http::router(&front);
    Ok(Edge { server: GatewayServer::new(Service::new(front)), http })
}
