//! Measures a turn of the mesh as a ratio to a bare proxy in the same run.
//!
//! It starts a scripted agent, the bare proxy B (axum, hyper, agent, nothing else), the mesh as one process on SQLite
//! and, when TEST_DATABASE_URL and TEST_REDIS_URL name stores, the mesh as six processes. It talks to loopback only and
//! ends by itself.

mod agent;
mod caller;
mod crew;
mod proxy;
mod report;
mod sockets;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::caller::{Crowd, Target};
use crate::crew::Crew;
use crate::report::{Report, Round};

/// The most that one run may take in rounds.
const ROUNDS_MAX: u16 = 50;
/// What every measurement is preceded by, so that connections and sessions exist.
const WARM_UP: Duration = Duration::from_millis(500);

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// How many rounds; each measures every target in turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=i64::from(ROUNDS_MAX)))]
    rounds: u16,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Callers at saturation.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(2..=512))]
    callers: u16,
    /// How many messages a conversation has; each is sent to the agent with all that were before it.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    messages: u32,
    /// Prints JSON in place of the table.
    #[arg(long)]
    json: bool,
}

/// Parts of the run that are processes of their own.
#[derive(Debug, Subcommand)]
enum Part {
    /// The scripted agent.
    Agent { listen: SocketAddr },
    /// The bare proxy.
    Proxy { listen: SocketAddr, agent: SocketAddr },
    /// Holds idle sockets on one gateway, and says what each costs.
    Sockets {
        /// How many.
        #[arg(default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=25_000))]
        count: u32,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Agent { listen }) => agent::serve(listen).await,
        Some(Part::Proxy { listen, agent }) => proxy::serve(listen, agent).await,
        Some(Part::Sockets { count }) => show(&sockets::measure(count).await?),
        None => measure(&arguments).await,
    }
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let crew = Crew::start().await?;
    let crowd = Crowd {
        callers: arguments.callers,
        messages: arguments.messages,
        window: Duration::from_secs(arguments.seconds),
    };
    let mut report = Report::default();
    for round in 0..arguments.rounds {
        for target in crew.targets() {
            let measured = one_round(target, crowd).await?;
            eprint_progress(round, target, &measured);
            report.add(&target.name, measured);
        }
    }
    report.memory(crew.targets());
    let text = if arguments.json { report.json()? } else { report.table() };
    show(&text)?;
    crew.stop().await
}

fn show(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

async fn one_round(target: &Target, many: Crowd) -> anyhow::Result<Round> {
    let one = Crowd { callers: 1, ..many };
    caller::run(target, Crowd { window: WARM_UP, ..one }).await?;
    let single = caller::run(target, one).await?;
    caller::run(target, Crowd { window: WARM_UP, ..many }).await?;
    let before = crew::cpu_micros(&target.processes);
    let many = caller::run(target, many).await?;
    let cpu = crew::cpu_micros(&target.processes).saturating_sub(before);
    Ok(Round::of(&single, &many, cpu))
}

fn eprint_progress(round: u16, target: &Target, measured: &Round) {
    use std::io::Write as _;
    let line = format!(
        "round {} {}: p50 {:.0} us, {:.0}/s\n",
        round + 1,
        target.name,
        measured.p50_us,
        measured.per_second
    );
    // Progress that cannot be shown is no reason to stop.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
