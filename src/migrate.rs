//! `mesh migrate`: brings the tables of every service up to date and ends, as before a roll-out.

use std::io::Write as _;
use std::process::ExitCode;

use chassis::Database;
use chassis::config::{Common, Environment, Ports};

/// Migrates the database of the settings. Every service does the same for itself when it starts, under the same lock.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    let common = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
    env.finish()?;
    let database = Database::open(&common).await?;
    budget::migrate(&database).await?;
    router::migrate(&database).await?;
    handoff::migrate(&database).await?;
    database.pool.close().await;
    writeln!(std::io::stdout().lock(), "the tables of budget, router and handoff are up to date")?;
    Ok(ExitCode::SUCCESS)
}
