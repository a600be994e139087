//! The registry: which agents there are, whether they take customers, and how many they have.
//!
//! Definitions are files of a folder, loaded all or nothing. What replicas share (slots, declared availability) is
//! kept in Redis where there is one.

use std::sync::Arc;
use std::time::Duration;

use chassis::{Life, Redis, Resources, clock};
use proto::v1::registry_server::RegistryServer;

pub mod availability;
pub mod board;
pub mod config;
pub mod definition;
pub mod health;
pub mod load;
pub mod node;
pub mod reload;
pub mod roster;
pub mod service;
pub mod slots;
pub mod store;
pub mod watch;

pub use config::Config;
pub use load::{Broken, line, validate_dir};
pub use service::{Error, Service};

use crate::roster::Roster;
use health::Prober;
use load::Loader;
use store::{Memory, Shared, Store};

/// Builds the registry: loads the definitions and starts what keeps them fresh.
pub async fn build(
    config: &Config,
    resources: &Resources,
) -> anyhow::Result<RegistryServer<Service>> {
    let life = &resources.life;
    let resolver = &resources.resolver;
    let loader = Loader::of(config, resolver.clone())?;
    let allowlist = Arc::new(loader.allowlist().clone());
    let roster =
        Arc::new(Roster::open(loader, store(resources.redis.as_ref()), first_generation()).await?);

    life.spawn("registry load", watch::keep_fresh(roster.clone(), life.clone()));
    spawn_reload(config, roster.clone(), life)?;
    if let Some(interval_ms) = config.health_interval_ms {
        let prober = Prober::new(roster.clone(), allowlist, resolver.clone());
        life.spawn("registry probes", prober.run(millis(interval_ms), life.clone()));
    }
    Ok(RegistryServer::new(Service::new(roster, life.clone())))
}

fn store(redis: Option<&Redis>) -> Arc<dyn Store> {
    match redis {
        Some(redis) => Arc::new(Shared::new(redis.clone())),
        None => Arc::new(Memory::default()),
    }
}

/// Generations begin at the present second, so that those who watch notice a registry that was started anew.
fn first_generation() -> u64 {
    (clock::now_ms() / 1_000).max(1).unsigned_abs()
}

fn spawn_reload(config: &Config, roster: Arc<Roster>, life: &Life) -> anyhow::Result<()> {
    let hangups = reload::hangups()?;
    let window = millis(config.reload_debounce_ms);
    let end = life.clone();
    life.spawn("registry reload", async move {
        tokio::select! {
            () = end.stopping() => {}
            () = reload::reload_on(hangups, window, || roster.reload()) => {}
        }
    });
    Ok(())
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(ms.max(0).unsigned_abs())
}
