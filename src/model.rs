//! `mesh model pull`: the sentence model of the classifier's better tier.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chassis::config::Environment;
use classifier::config::MODEL_DIR;
use classifier::pull::{self, Progress, Pulled, Source};
use indicatif::{ProgressBar, ProgressStyle};
use url::Url;

const EXAMPLE: &str = "\
Example:
  mesh model pull
  mesh model pull --dir /srv/models/all-MiniLM-L6-v2 --from https://hub.example.com/";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Fetches the sentence model and checks it; from then on the classifier decides by it.
    #[command(after_help = EXAMPLE)]
    Pull {
        /// Where to put it; without this, where the classifier looks for it.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// The hub, or a mirror of it.
        #[arg(long, value_name = "URL", default_value = pull::HUB)]
        from: Url,
    },
}

/// Fetches the model, or says what to do instead.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Command::Pull { dir, from } = arguments.command;
    let folder = match dir {
        Some(folder) => folder,
        None => configured()?,
    };
    let source =
        Source::of(&from).with_context(|| format!("{from} is not the address of a hub"))?;
    chassis::telemetry::choose_tls();
    let bar = ProgressBar::new(0);
    bar.set_style(style());
    let pulled = pull::pull(&source, &folder, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let mut out = anstream::stdout().lock();
    match pulled {
        Ok(pulled) => {
            writeln!(out, "{}", told(pulled, &folder))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let mut out = anstream::stderr().lock();
            writeln!(out, "{:#}\n\n{}", anyhow::Error::new(error), pull::otherwise(&folder))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn configured() -> anyhow::Result<PathBuf> {
    let mut env = Environment::of_process();
    let config = classifier::Config::read(&mut env);
    env.finish()?;
    Ok(config.model_dir.unwrap_or_else(|| PathBuf::from(MODEL_DIR)))
}

fn told(pulled: Pulled, folder: &Path) -> String {
    let (model, licence, folder) = (pull::MODEL, pull::LICENCE, folder.display());
    match pulled {
        Pulled::Kept => format!("{model} is in {folder} already, and whole"),
        Pulled::Fetched => {
            format!(
                "{model} ({licence}) is in {folder}; a classifier that starts now decides by it"
            )
        }
    }
}

fn show(bar: &ProgressBar, progress: Progress<'_>) {
    bar.set_length(progress.total);
    bar.set_message(progress.file.to_owned());
    bar.set_position(progress.done);
}

fn style() -> ProgressStyle {
    let template = "{msg} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    ProgressStyle::with_template(template).expect("the template is valid")
}
