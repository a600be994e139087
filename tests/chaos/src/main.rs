//! Breaks a running mesh at random: `chaos --help`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chaos::{Order, run, say};
use clap::Parser;

#[derive(Debug, Parser)]
struct Arguments {
    /// What decides who is hurt when, and what users say; drawn when not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How long processes are hurt.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// How many users talk at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    users: u16,
    /// The folder of the programs; that of this one when not given.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Prints JSON in place of the table.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let order = Order {
        seed: arguments.seed.unwrap_or_else(rand::random),
        length: Duration::from_secs(arguments.seconds),
        users: arguments.users,
        programs: arguments.programs.map_or_else(fleet::programs, Ok)?,
    };
    say(&format!("seed {}", order.seed));
    let report = tokio::select! {
        report = run(&order) => report?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped"),
    };
    let text = if arguments.json { report.json()? } else { report.table() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
