//! The command line of Handoff Mesh.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod agent;
mod answer;
mod budget;
mod chat;
mod classify;
mod eval;
mod explain;
mod learned;
mod migrate;
mod model;
mod serve;
mod validate;

/// One gateway for a business that runs several chat agents.
#[derive(Debug, Parser)]
#[command(name = "mesh", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all six services in this process (what happens without a command).
    Serve,
    /// Brings the tables of the database up to date and ends.
    Migrate,
    /// Checks the agent definitions of a folder and lists every fault.
    Validate(validate::Arguments),
    /// Says what the classifier makes of a text.
    Classify(classify::Arguments),
    /// Says how good the classifier is on a file of labelled texts.
    Eval(eval::Arguments),
    /// One agent: whether it keeps the agent contract.
    Agent(agent::Arguments),
    /// Talks to a running mesh.
    Chat(chat::Arguments),
    /// The money of a running mesh.
    Budget(budget::Arguments),
    /// The sentence model of the classifier's better tier.
    Model(model::Arguments),
    /// Says why a turn went where it went, from a running mesh.
    Explain(explain::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        None | Some(Command::Serve) => serve::run().await,
        Some(Command::Migrate) => migrate::run().await,
        Some(Command::Validate(arguments)) => validate::run(&arguments).await,
        Some(Command::Classify(arguments)) => classify::run(arguments).await,
        Some(Command::Eval(arguments)) => eval::run(arguments).await,
        Some(Command::Agent(arguments)) => agent::run(arguments).await,
        Some(Command::Budget(arguments)) => budget::run(arguments).await,
        Some(Command::Chat(arguments)) => chat::run(arguments).await,
        Some(Command::Model(arguments)) => model::run(arguments).await,
        Some(Command::Explain(arguments)) => explain::run(arguments).await,
    }
}
