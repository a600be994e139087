//! `mesh budget …`: the money of a running mesh, over gRPC.

mod check;
mod definition;
mod explain;
mod list;
mod report;
mod reset;
mod set;
mod simulate;
mod till;
mod validate_config;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use self::till::Connection;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says what a call would be told, without effect; exit code 1 when it would be denied.
    Check(check::Arguments),
    /// Lists the budgets and what is left of them.
    List(list::Arguments),
    /// Says what was spent, by whom, on what, and how fast.
    Report(report::Arguments),
    /// Defines a budget, or changes one.
    Set(set::Arguments),
    /// Begins a new period for an account.
    Reset(reset::Arguments),
    /// Plays calls by the rules, without effect; exit code 1 when one would be denied.
    Simulate(simulate::Arguments),
    /// Checks files of budgets and prices without a running mesh.
    ValidateConfig(validate_config::Arguments),
    /// Lists every entry behind a balance and proves that they add up.
    Explain(explain::Arguments),
    /// Adds the whole ledger up again; exit code 1 when a balance differs.
    Verify(verify::Arguments),
}

/// Runs one of the commands.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { connection, command } = arguments;
    match command {
        Command::Check(arguments) => check::run(arguments, &connection.open()?).await,
        Command::List(arguments) => list::run(arguments, &connection.open()?).await,
        Command::Report(arguments) => report::run(arguments, &connection.open()?).await,
        Command::Set(arguments) => set::run(arguments, &connection.open()?).await,
        Command::Reset(arguments) => reset::run(arguments, &connection.open()?).await,
        Command::Simulate(arguments) => simulate::run(arguments, &connection.open()?).await,
        Command::Explain(arguments) => explain::run(arguments, &connection.open()?).await,
        Command::Verify(arguments) => verify::run(arguments, &connection.open()?).await,
        Command::ValidateConfig(arguments) => validate_config::run(arguments, connection.json),
    }
}
