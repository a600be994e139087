//! What the tests of every service need: fresh stores of their own on each engine.
//!
//! Postgres and Redis are named by TEST_DATABASE_URL and TEST_REDIS_URL, which `tests/run` sets. A test of a store may
//! not be skipped, so a missing variable is a failure.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::Environment;
use crate::connect::system;
use crate::{Database, Life, Mode, Redis, Resources, clock};

mod logs;
mod names;

pub use self::logs::Logs;
pub use self::names::Names;

/// Connections of each pool: tests run side by side.
const CONNECTIONS: u32 = 4;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A name that no other test uses.
#[must_use]
pub fn unique(prefix: &str) -> String {
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{}_{count}", clock::now_ms(), std::process::id())
}

/// A fresh database on each engine.
pub async fn databases() -> Vec<Database> {
    vec![sqlite().await, postgres().await]
}

/// A fresh SQLite file.
///
/// # Panics
/// When it cannot be made.
pub async fn sqlite() -> Database {
    Database::sqlite(&folder().join("mesh.db")).await.expect("a temporary file can be opened")
}

/// What a program that a test starts without the environment still needs of it: where its coverage goes, when that is
/// measured.
#[must_use]
pub fn coverage() -> Option<(&'static str, String)> {
    let name = "LLVM_PROFILE_FILE";
    Some((name, Environment::of_process().text(name)?))
}

/// A fresh Postgres database.
///
/// # Panics
/// When TEST_DATABASE_URL is not set or not usable.
pub async fn postgres() -> Database {
    Database::postgres(&postgres_url().await, CONNECTIONS)
        .await
        .expect("the new database can be opened")
}

/// The URL of a fresh Postgres database.
///
/// # Panics
/// When TEST_DATABASE_URL is not set or not usable.
pub async fn postgres_url() -> String {
    postgres_url_on(&required("TEST_DATABASE_URL")).await
}

/// The URL of a fresh database on this server.
///
/// # Panics
/// When the server is not usable.
pub async fn postgres_url_on(url: &str) -> String {
    let name = unique("test");
    let server = Database::postgres(url, 1).await.expect("the test server can be reached");
    let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(statement).execute(&server.pool).await.expect("the test user may create databases");
    server.pool.close().await;
    let mut url: url::Url = url.parse().expect("TEST_DATABASE_URL is a URL");
    url.set_path(&name);
    url.to_string()
}

/// Redis under a prefix of its own.
///
/// # Panics
/// When TEST_REDIS_URL is not set or not usable.
pub async fn redis() -> Redis {
    Redis::open(&redis_url(), &format!("{}:", unique("test"))).expect("TEST_REDIS_URL can be used")
}

/// Where Redis is.
///
/// # Panics
/// When TEST_REDIS_URL is not set or not usable.
#[must_use]
pub fn redis_url() -> url::Url {
    required("TEST_REDIS_URL").parse().expect("TEST_REDIS_URL is a URL")
}

/// A temporary folder that outlives the test and goes with the machine's temporary files.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn folder() -> PathBuf {
    tempfile::Builder::new()
        .prefix("mesh-test-")
        .tempdir()
        .expect("a temporary folder can be made")
        .keep()
}

/// A fresh SQLite file and no Redis.
pub async fn resources() -> Resources {
    Resources {
        database: Some(sqlite().await),
        redis: None,
        life: Life::new(),
        mode: Mode::Test,
        resolver: system(),
    }
}

fn required(name: &str) -> String {
    let text = Environment::of_process().text(name);
    text.unwrap_or_else(|| panic!("{name} is not set: run the tests with ./tests/run"))
}
