//! `mesh agent …`: what concerns one agent, without a running mesh.

mod check;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts a live agent to the agent contract: some 25 real calls, with whatever effects and costs it has.
    Check(check::Arguments),
}

/// Runs one of the commands.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Check(arguments) => check::run(arguments).await,
    }
}
