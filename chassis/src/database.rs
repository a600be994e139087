//! The store of sessions and money: Postgres, or one SQLite file that a single process holds.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyPool, ConnectOptions as _, Transaction};
use tracing::log::LevelFilter;

use crate::config::Common;

mod pen;

pub use pen::{Pen, WriteError};

const ACQUIRE_LIMIT: Duration = Duration::from_secs(5);
const STATEMENT_LIMIT_MS: u32 = 10_000;
/// How long a transaction may rest: a process that stands still must not keep its locks from those who go on.
const REST_LIMIT_MS: u32 = 5_000;

/// What a plan does without. Statements are few rows by their keys, and planned while the tables are still empty: a plan
/// that reads a whole table or index would be kept while these grow.
const PLANS: [&str; 4] = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"];

/// Full durability; 64 MiB of pages, and what a statement notes, in memory; time for the other connection to end what it
/// writes, many times over; a log of 16 MiB before its pages go where they belong, most of them once for many commits.
const PRAGMAS: [&str; 7] = [
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "cache_size = -65536",
    "busy_timeout = 5000",
    "temp_store = MEMORY",
    "wal_autocheckpoint = 4000",
];

/// Which engine a database runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// An embedded file: a transaction that writes is alone.
    Sqlite,
    /// A server that many processes share.
    Postgres,
}

impl Engine {
    /// What a SELECT adds to lock the rows it reads.
    #[must_use]
    pub fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }
}

/// An open database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its connections.
    pub pool: AnyPool,
    /// What it runs on.
    pub engine: Engine,
    url: Arc<str>,
    max_connections: u32,
    pen: Option<Pen>,
    // Held for as long as anyone uses the file.
    _lock: Option<Arc<File>>,
}

impl Database {
    /// Opens what the settings name.
    pub async fn open(settings: &Common) -> anyhow::Result<Self> {
        match &settings.database_url {
            Some(url) => Self::postgres(url.as_str(), settings.database_max_connections).await,
            None => Self::sqlite(&settings.database_path).await,
        }
    }

    /// Opens a Postgres database.
    pub async fn postgres(url: &str, max_connections: u32) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let mut after_connect = vec![
            format!("SET statement_timeout = {STATEMENT_LIMIT_MS}"),
            format!("SET idle_in_transaction_session_timeout = {REST_LIMIT_MS}"),
        ];
        after_connect.extend(PLANS.map(|plan| format!("SET {plan} = off")));
        let pool = AnyPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_LIMIT)
            .after_connect(move |connection, _| {
                let statements = after_connect.clone();
                Box::pin(async move {
                    for statement in statements {
                        let statement = sqlx::AssertSqlSafe(statement);
                        sqlx::query(statement).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options(url)?)
            .await
            .context("cannot connect to DATABASE_URL")?;
        Ok(Self {
            pool,
            engine: Engine::Postgres,
            url: url.into(),
            max_connections,
            pen: None,
            _lock: None,
        })
    }

    /// Opens an embedded file, alone: a second process on the same file is refused.
    pub async fn sqlite(path: &Path) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let lock = lock(path)?;
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let pool = AnyPoolOptions::new()
            // SQLite has one writer, and queueing here is fairer than its lock. Batches have a connection of their own.
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            // There is no network on which it could have been lost.
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_LIMIT)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    for pragma in PRAGMAS {
                        let statement = sqlx::AssertSqlSafe(format!("PRAGMA {pragma}"));
                        sqlx::query(statement).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options(&url)?)
            .await
            .with_context(|| format!("cannot open {}", path.display()))?;
        let pen = Some(Pen::of(pool.clone(), &PRAGMAS).await?);
        Ok(Self {
            pool,
            engine: Engine::Sqlite,
            url: url.into(),
            max_connections: 1,
            pen,
            _lock: Some(Arc::new(lock)),
        })
    }

    /// The connections for batches to an embedded file; none on a server, where everyone has connections of their own.
    #[must_use]
    pub fn pen(&self) -> Option<&Pen> {
        self.pen.as_ref()
    }

    /// Begins a transaction that may write. On an embedded file it is alone from its beginning.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.engine {
            Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Engine::Postgres => self.pool.begin().await,
        }
    }

    /// Whether it is a file that only this process can use.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.engine == Engine::Sqlite
    }

    /// Where the database is, for a pool of one's own.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many connections a pool of one's own may have.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.max_connections
    }

    /// Brings the tables of one service up to date. Migrations of several services live in one database side by side.
    pub async fn migrate(&self, service: &str, mut migrator: Migrator) -> anyhow::Result<()> {
        migrator.dangerous_set_table_name(format!("_migrations_{service}"));
        migrator
            .run(&self.pool)
            .await
            .with_context(|| format!("cannot migrate the tables of {service}"))
    }
}

fn options(url: &str) -> anyhow::Result<AnyConnectOptions> {
    let options: AnyConnectOptions = url.parse().context("not a database URL")?;
    Ok(options
        .log_statements(LevelFilter::Off)
        .log_slow_statements(LevelFilter::Warn, Duration::from_secs(1)))
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let beside = PathBuf::from(format!("{}.lock", path.display()));
    let file =
        File::create(&beside).with_context(|| format!("cannot create {}", beside.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            anyhow::bail!("{} is in use by another process", path.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", beside.display()))
        }
    }
}
