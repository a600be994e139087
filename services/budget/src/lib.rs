//! The budget: how much may be spent, what is held for calls under way, and every cent that was spent.
//!
//! The database is the only authority. Rules are pure (`ledger`, `fold`, `policy`, `pricing`, `period`); a batch of
//! operations is folded over the accounts and committed in one transaction.

use std::sync::Arc;

use anyhow::Context as _;
use chassis::webhook::Webhook;
use chassis::{Database, Resources};
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
mod mail;
pub mod operation;
pub mod period;
pub mod policy;
pub mod pricing;
pub mod proof;
pub mod rules;
mod service;
pub mod simulation;
pub mod store;
mod sweep;
mod watch;

pub use crate::config::Config;
pub use crate::pricing::Unknown;
pub use crate::service::Service;

use crate::batch::Writer;
use crate::operation::{Operation, Put, Refusal};
use crate::policy::{Definition, Policy, Scope};
use crate::pricing::Prices;
use crate::rules::Rules;
use crate::store::Store;
use crate::store::sql::SqlStore;

/// The tenant of a single shop, whose budgets a file defines.
const TENANT: &str = "default";

/// What can go wrong.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An operation changes nothing.
    #[error(transparent)]
    Refused(Refusal),
    /// A request breaks a rule: the field, and what is wrong with it.
    #[error("{0}: {1}")]
    Invalid(String, String),
    /// Too many operations wait.
    #[error("too many operations wait for the store")]
    Busy,
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
    let store: Arc<dyn Store> = Arc::new(SqlStore::new(database, rules.clone())?);
    let writer = Writer::start(config, store.clone(), &resources.life);
    define(config, &*store, &writer).await?;
    sweep::start(config, store.clone(), writer.clone(), &resources.life);
    if let Some(url) = &config.event_webhook {
        let webhook = Webhook::new(url).context("the webhook cannot be used")?;
        mail::start(store.clone(), webhook, &resources.life);
    }
    let service = Service::new(config.clone(), store, writer, (rules, resources.life.clone()));
    Ok(BudgetServer::new(service))
}

/// Brings the tables of the budget up to date.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    database.migrate("budget", sqlx::migrate!()).await
}

/// Stores the definitions of the file; without a file an empty store gets the built-in one.
async fn define(config: &Config, store: &dyn Store, writer: &Writer) -> anyhow::Result<()> {
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
    let stored = store.list(TENANT).await?;
    for definition in definitions {
        let is_known = stored.iter().any(|stored| {
            let known = Definition { version: definition.version, ..Definition::clone(stored) };
            known == definition
        });
        if !is_known {
            let owner =
                account::Owner { tenant: TENANT.to_owned(), scope: definition.scope.clone() };
            let put = Put { owner, definition, create_only: false };
            writer.submit(Operation::Put(put)).await?;
        }
    }
    Ok(())
}
