//! `mesh agent check URL`: everything of the agent contract that can be seen from outside.
//!
//! Calls are made and judged by the router's own dispatcher, so that what passes here is what the mesh would deliver; what
//! the dispatcher does not need, as the list of tools, is asked with an MCP client of its own.

mod calls;
mod direct;
mod finding;
mod handover;
mod place;
mod subject;
mod tools;

#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use chassis::config::Environment;
use url::Url;

use self::direct::Direct;
use self::finding::{Report, Rule, Verdict};
use self::subject::Subject;
use crate::answer;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The endpoint of the agent, as its definition names it.
    url: Url,
    /// What the agent is asked; choose something without effects.
    #[arg(long, default_value = "Hello, what can you do for me?")]
    input: String,
    /// The language of the question.
    #[arg(long, default_value = "en")]
    language: String,
    /// The `timeout_ms` of the agent's definition.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    timeout_ms: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints what was found; the exit code is 1 when something fails that must hold.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    let allowed = registry::Config::read(&mut env).allowlist;
    env.finish()?;
    chassis::telemetry::choose_tls();
    let as_json = arguments.json;
    answer::say(&check(&arguments, &allowed).await?, as_json)
}

const CONNECTION: Rule = Rule::must(
    "connection",
    "The endpoint has to be an MCP server over Streamable HTTP that answers `initialize` (or `server/discover`).",
);

/// Puts the agent to all rules, in an order in which the first that fails explains the most.
async fn check(arguments: &Arguments, allowed: &[String]) -> anyhow::Result<Report> {
    let limit = Duration::from_millis(arguments.timeout_ms);
    let mut findings = place::check(&arguments.url, allowed).await?;
    let direct = match Direct::connect(&arguments.url, limit).await {
        Ok(direct) => direct,
        Err(why) => {
            findings.push(CONNECTION.judge(Verdict::Failed(why)));
            return Ok(Report::of(&arguments.url, findings));
        }
    };
    findings.push(CONNECTION.judge(Verdict::Passed(direct.introduction())));
    let subject = Subject::new(arguments, limit);
    let listed = direct.tools().await;
    findings.extend(tools::check(&listed));
    findings.extend(calls::check(&subject, &direct).await);
    findings.extend(handover::check(&subject, &direct, &listed).await);
    findings.push(calls::pace(&subject));
    Ok(Report::of(&arguments.url, findings))
}
