//! The conversation engine: sessions, turns, the gate, dispatch and the circuit breaker.
//!
//! The life of a turn is told in `turn.rs`, top to bottom. Rules without input and output stand in files of their own:
//! `breaker`, `clarification`, `gate`, `session`, `trigger`.

use std::sync::Arc;

use anyhow::Context as _;
use chassis::{Database, Resources};
use proto::v1::router_server::RouterServer;

pub mod body;
pub mod breaker;
pub mod breaker_store;
pub mod clarification;
pub mod clock;
pub mod dispatch;
pub mod ending;
pub mod error;
pub mod events;
pub mod gate;
pub mod handler;
pub mod keeper;
pub mod money;
pub mod peers;
pub mod queue;
pub mod record;
pub mod roster;
pub mod session;
pub mod store;
pub mod trigger;

mod charge;
mod config;
mod engine;
mod reception;
mod service;
mod sweep;
mod turn;

pub use crate::config::{
    BudgetSettings, ClarificationSettings, Config, HandoffSettings, InjectionAction,
    SessionSettings, TurnSettings,
};
pub use crate::ending::{Ending, Failed, Headers};
pub use crate::peers::Peers;
pub use crate::service::Service;

use crate::breaker_store::Breakers;
use crate::charge::Confirmed;
use crate::dispatch::{Dispatcher, House};
use crate::engine::Engine;
use crate::keeper::Keeper;
use crate::queue::Queue;
use crate::roster::Roster;
use crate::store::{Shared, SqlStore};

/// The largest message that a peer may send: a whole history, or an answer of the largest size.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Builds the conversation engine.
pub async fn build(
    config: &Config,
    resources: &Resources,
    peers: Peers,
) -> anyhow::Result<RouterServer<Service>> {
    let database = resources.database.clone().context("the router needs a database")?;
    let is_shared = !database.is_embedded();
    let life = resources.life.clone();
    let store: Shared = Arc::new(SqlStore::open(database, &life).await?);
    let roster = Roster::follow(&life, peers.registry.clone());
    config.handlers.keep(&config.handlers_promised)?;
    let house = House { handlers: config.handlers.clone(), roster: roster.clone() };
    let dispatcher =
        Dispatcher::of(config.dispatch.clone(), resources.resolver.clone(), Some(house));
    roster.retire(&life, dispatcher.clone());
    let keeper = Keeper::default();
    keeper.run(&life, store.clone(), config.turn.lease_ms);
    if is_shared {
        keeper.listen(&life, store.clone());
    }
    let engine = Arc::new(Engine {
        config: config.clone(),
        store,
        peers,
        roster,
        breakers: Breakers::new(config.breaker.clone(), resources.redis.clone(), &life),
        dispatcher,
        keeper,
        queue: Queue::default(),
        confirmed: Confirmed::default(),
        life,
    });
    sweep::start(&engine, resources.redis.clone())?;
    let server = RouterServer::new(Service::new(engine));
    Ok(server
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX))
}

/// Brings the tables of the conversations up to date.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    database.migrate("router", sqlx::migrate!()).await
}
