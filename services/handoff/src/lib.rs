#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails where it unwraps"))]
//! Which agent takes over a conversation, what it is told, and how the work changes hands.
//!
//! Choosing, scoring and compressing are pure functions; a transfer is a durable state machine around them. Whether a
//! switch was committed only the router knows, so it completes or aborts what was accepted here.

use std::sync::Arc;

use anyhow::Context as _;
use chassis::{Database, Link, Resources};
use proto::v1::handoff_server::HandoffServer;

pub mod compress;
mod config;
pub mod decision;
pub mod eligibility;
mod exchange;
mod letter;
mod message;
mod offer;
mod peer;
mod report;
pub mod roster;
pub mod score;
mod screening;
mod service;
mod settlement;
mod store;
mod sweep;
pub mod transfer;
pub mod wish;

pub use config::{Compression, Config, Offers};
pub use service::Service;

/// The services that the handoff service calls.
pub struct Peers {
    /// The agents and their slots.
    pub registry: Link,
}

/// The longest request: a whole visible history comes with a transfer.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Builds the service and starts its sweep.
pub async fn build(
    config: &Config,
    resources: &Resources,
    peers: Peers,
) -> anyhow::Result<HandoffServer<Service>> {
    let database = resources.database.clone().context("the handoff service needs a database")?;
    let exchange = Arc::new(exchange::Exchange {
        config: config.clone(),
        store: Arc::new(store::SqlStore::open(database).await?),
        registry: peer::Registry::follow(&resources.life, peers.registry),
        courier: offer::Courier::new(config.offers.clone(), resources.resolver.clone()),
    });
    sweep::start(&resources.life, exchange.clone())?;
    let server = HandoffServer::new(Service::new(exchange));
    Ok(server.max_decoding_message_size(REQUEST_BYTES_MAX))
}

/// Brings the tables of the transfers up to date.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    database.migrate("handoff", sqlx::migrate!()).await
}
