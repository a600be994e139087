//! `mesh validate DIR`: every fault of a folder of agent definitions, as the registry would find them, and sentences that
//! two agents both claim.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use chassis::config::Environment;
use mesh::settings;

use crate::learned::{Learned, collision};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mesh validate agents")]
pub(crate) struct Arguments {
    /// The folder with one YAML file an agent.
    dir: PathBuf,
}

/// Lists warnings and faults; faults make the exit code 1.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    settings::point_at_shipped(&mut env);
    let folder = &arguments.dir;
    let config = registry::Config { folder: folder.clone(), ..registry::Config::read(&mut env) };
    env.finish()?;
    let result = registry::validate_dir(&config).await?;
    let mut warnings = result.warnings;
    if result.success {
        let overlaps = Learned::open(folder).await?.overlaps().await?;
        warnings.extend(overlaps.iter().map(collision));
    }
    let mut out = anstream::stdout().lock();
    for warning in &warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for error in &result.errors {
        writeln!(out, "{}", registry::line(error))?;
    }
    if !result.success {
        writeln!(out, "{} faults in {}", result.errors.len(), folder.display())?;
        return Ok(ExitCode::FAILURE);
    }
    let agents = result.agent_ids.join(", ");
    writeln!(out, "{} agents: {agents}; default: {}", result.agent_count, result.default_agent_id)?;
    Ok(ExitCode::SUCCESS)
}
