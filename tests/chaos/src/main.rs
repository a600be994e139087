//! Breaks a running mesh at random and checks from outside that nothing was lost, doubled or left behind.
//!
//! It starts two columns of the split build with scripted agents, and a Postgres and a Redis of its own where it can.
//! While users talk, processes are killed, paused and restarted as a seed says. It ends by itself, and ends only what it
//! has started.

mod agents;
mod catalogue;
mod check;
mod client;
mod evidence;
mod mesh;
mod plan;
mod report;
mod stores;
mod user;
mod victim;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::agents::Desks;
use crate::client::Client;
use crate::evidence::Evidence;
use crate::mesh::Mesh;
use crate::plan::Plan;
use crate::report::Report;
use crate::user::Crowd;

/// How long everything may take to work again once nobody breaks it.
const HEAL_LIMIT: Duration = Duration::from_secs(30);
/// How long users may take after that to have every message answered.
const FINISH_LIMIT: Duration = Duration::from_secs(60);

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
    let seed = arguments.seed.unwrap_or_else(rand::random);
    say(&format!("seed {seed}"));
    let report = tokio::select! {
        report = run(&arguments, seed) => report?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped"),
    };
    let text = if arguments.json { report.json()? } else { report.table() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(arguments: &Arguments, seed: u64) -> anyhow::Result<Report> {
    let folder = tempfile::Builder::new().prefix("mesh-chaos-").tempdir()?;
    let desks = Desks::open(seed).await?;
    let programs = arguments.programs.clone().map_or_else(fleet::programs, Ok)?;
    let mesh = Mesh::start(folder.path(), &std::path::absolute(programs)?, &desks).await?;
    let client = Client::new(&mesh.gateways)?;
    mesh.wait_until_healthy(&client, HEAL_LIMIT).await?;

    let began = Instant::now();
    let length = Duration::from_secs(arguments.seconds);
    let plan = Plan::of(seed, mesh.victims.len(), length);
    let quiet = CancellationToken::new();
    let crowd = Crowd::gather(seed, arguments.users, &client, &quiet);
    mesh.suffer(&plan, began).await;
    tokio::time::sleep_until(began + length).await;
    quiet.cancel();
    mesh.wait_until_healthy(&client, HEAL_LIMIT).await?;
    let stories = crowd.finish(FINISH_LIMIT).await?;

    let evidence = Evidence::gather(stories, desks.bills(), &mesh, client).await?;
    let violations = check::all(&evidence).await?;
    let report = Report::of(seed, (&plan, &mesh), &evidence, violations);
    mesh.stop().await;
    if !report.is_clean() {
        let kept = folder.keep();
        say(&format!("the logs are in {}", kept.join("logs").display()));
    }
    Ok(report)
}

fn say(text: &str) {
    // Progress that cannot be shown is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}
