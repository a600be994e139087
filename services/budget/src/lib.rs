//! The budget: how much may be spent, what is held for calls under way, and every cent that was spent.
//!
//! The database is the only authority. Rules are pure (`ledger`, `fold`, `policy`, `pricing`, `period`); a batch of
//! operations is folded over the accounts and committed in one transaction.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::{Database, Life, Resources, clock};
use proto::v1::budget_server::BudgetServer;

pub mod account;
pub mod analytics;
mod batch;
mod config;
mod convert;
pub mod event;
pub mod file;
pub mod fold;
pub mod ledger;
pub mod operation;
pub mod period;
pub mod policy;
pub mod pricing;
pub mod proof;
pub mod rules;
mod service;
pub mod simulation;
pub mod store;
mod watch;

pub use crate::config::Config;
pub use crate::pricing::Unknown;
pub use crate::service::Service;

use crate::batch::Batcher;
use crate::operation::{Operation, Refusal};
use crate::policy::{Definition, Policy, Scope};
use crate::pricing::Prices;
use crate::rules::Rules;
use crate::store::Store;
use crate::store::sql::SqlStore;

/// The tenant of a single shop, whose budgets a file defines.
const TENANT: &str = "default";
/// How many overdue holds one sweep ends.
const SWEEP_MAX: i64 = 1_000;

/// What can go wrong.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An operation changes nothing.
    #[error(transparent)]
    Refused(Refusal),
    /// A request breaks a rule: the field, and what is wrong with it.
    #[error("{0}: {1}")]
    Invalid(String, String),
    /// There is no definition of the scope.
    #[error("there is no budget for {}:{}", .0.kind, .0.key)]
    Missing(Scope),
    /// There is a definition already.
    #[error("there is a budget for {}:{}", .0.kind, .0.key)]
    Exists(Scope),
    /// Too many operations wait.
    #[error("too many operations wait for the store")]
    Busy,
    /// Another replica was faster; the store tries again.
    #[error("another replica changed the same charge")]
    Raced,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<anyhow::Error>),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(Arc::new(error.into()))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(Arc::new(error.into()))
    }
}

/// Builds the budget: brings its tables up to date, loads definitions and prices, and starts the writer and the sweeper.
pub async fn build(
    config: &Config,
    resources: &Resources,
) -> anyhow::Result<BudgetServer<Service>> {
    let database = resources.database.clone().context("the budget needs a database")?;
    migrate(&database).await?;
    let mut prices = Prices::default();
    if let Some(path) = &config.pricing_file {
        let (entries, aliases) = file::prices(path)?;
        prices.add(entries, aliases);
    }
    let rules = Arc::new(Rules {
        prices,
        unknown: config.unknown,
        default_estimate_micros: config.default_estimate_micros,
        output_ratio: config.output_ratio,
        max_actual_micros: config.max_actual_micros,
    });
    let store: Arc<dyn Store> = Arc::new(SqlStore::new(database, rules.clone()));
    define(config, &*store).await?;
    let batcher = Batcher::start(config, store.clone(), &resources.life);
    resources.life.spawn(
        "budget sweeper",
        sweep(config.clone(), store.clone(), batcher.clone(), resources.life.clone()),
    );
    let service = Service::new(config.clone(), store, batcher, (rules, resources.life.clone()));
    Ok(BudgetServer::new(service))
}

/// Brings the tables of the budget up to date.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    database.migrate("budget", sqlx::migrate!()).await
}

/// Stores the definitions of the file; without a file an empty store gets the built-in one.
async fn define(config: &Config, store: &dyn Store) -> anyhow::Result<()> {
    let definitions = match &config.budgets_file {
        Some(path) => file::budgets(path)?,
        None if store.is_empty().await? => vec![Definition {
            scope: Scope { kind: "user".to_owned(), key: "*".to_owned() },
            limit_micros: 10_000_000,
            period: "none".to_owned(),
            policy: Policy::built_in(),
            version: 0,
        }],
        None => Vec::new(),
    };
    for definition in definitions {
        let owner = account::Owner { tenant: TENANT.to_owned(), scope: definition.scope.clone() };
        let stored = store.get(&owner).await?;
        let is_new = stored.is_none_or(|stored| {
            (stored.limit_micros, stored.period, stored.policy)
                != (definition.limit_micros, definition.period.clone(), definition.policy.clone())
        });
        if is_new {
            store.put(TENANT, &definition, false).await?;
        }
    }
    Ok(())
}

async fn sweep(config: Config, store: Arc<dyn Store>, batcher: Batcher, life: Life) {
    let interval = Duration::from_millis(config.sweep_interval_ms.unsigned_abs());
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = life.stopping() => return,
        }
        if let Err(error) = expire(&*store, &batcher).await {
            tracing::warn!(%error, "overdue reservations cannot be ended now");
        }
    }
}

async fn expire(store: &dyn Store, batcher: &Batcher) -> Result<(), Error> {
    for charge in store.overdue(clock::now_ms(), SWEEP_MAX).await? {
        tracing::info!(charge_id = charge.id, "a reservation has expired");
        batcher.submit(Operation::Expire(charge)).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    metrics::gauge!("budget.open_reservations").set(store.open_count().await? as f64);
    Ok(())
}
