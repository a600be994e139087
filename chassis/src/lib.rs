//! What every service needs and no service is: settings, telemetry, links, serving, faults, stores.
//!
//! Nothing here names a service or a term of the domain. What several services must decide alike and none owns stands
//! here as a pure file: `address`, `backoff`, `redact`, `screen`, `tokens`.

pub mod address;
pub mod backoff;
pub mod batch;
pub mod clock;
pub mod config;
pub mod connect;
pub mod database;
pub mod fault;
pub mod follow;
pub mod life;
pub mod link;
pub mod redact;
pub mod redis;
pub mod screen;
pub mod serve;
pub mod telemetry;
pub mod testing;
pub mod tokens;
pub mod trace;
pub mod webhook;
pub mod wire;

mod logs;
mod resources;

pub use crate::config::Mode;
pub use crate::database::{Database, Engine};
pub use crate::life::Life;
pub use crate::link::Link;
pub use crate::redis::Redis;
pub use crate::resources::Resources;

/// A turn is many small texts, and this gives them out with less work than the system's allocator (see
/// docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
