//! `mesh eval FILE.jsonl`: how good the classifier is on labelled texts, with the definitions of a folder.

mod labelled;
mod summary;
mod trial;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use classifier::eval::{Costs, Line, Report, Setting};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};

use self::summary::Summary;
use self::trial::{Gate, Trial};
use crate::answer;
use crate::learned::Learned;

/// Texts that are classified at the same time; a language model answers slowly, and its owner limits the rate.
const AT_ONCE: usize = 4;
/// From how many lines on a person wants to see how far it is.
const LONG_LINES: usize = 200;
const TICK: Duration = Duration::from_millis(100);

const EXAMPLE: &str = "\
Each line of the file is {\"text\": \"where is my parcel?\", \"label\": \"support\"}; the label oos stands for a text
that no agent should get.

Example:
  mesh eval --agents agents texts.jsonl
  mesh eval --agents agents texts.jsonl --predictions out.jsonl --wrong-route-cost 20 --json | jq .accuracy";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// The folder with one YAML file an agent.
    #[arg(long, default_value = "./agents", value_name = "DIR")]
    agents: PathBuf,
    /// Where to write what became of each text, one line of JSON a text.
    #[arg(long, value_name = "OUT.jsonl")]
    predictions: Option<PathBuf>,
    /// What an answer by the wrong agent costs.
    #[arg(long, default_value_t = Costs::default().wrong_route, value_name = "COST", value_parser = cost)]
    wrong_route_cost: f64,
    /// What a question to the customer costs.
    #[arg(long, default_value_t = Costs::default().question, value_name = "COST", value_parser = cost)]
    question_cost: f64,
    /// What it costs when the default agent answers in place of the right one.
    #[arg(long, default_value_t = Costs::default().fallback, value_name = "COST", value_parser = cost)]
    fallback_cost: f64,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// The labelled texts.
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
}

fn cost(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
    if number.is_finite() && 0.0 <= number {
        Ok(number)
    } else {
        Err(format!("{text} is not 0 or more"))
    }
}

/// Classifies every line and prints the report.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let learned = Learned::open(&arguments.agents).await?;
    let gate = Gate::of(&learned.snapshot, learned.may_ask);
    let agents: BTreeSet<&str> = gate.agents().map(|agent| agent.agent_id.as_str()).collect();
    let lines = labelled::read(&arguments.file, &agents).await?;
    let trials = classify(&learned, &gate, &lines, arguments.predictions.as_deref()).await?;
    let setting = setting(&arguments, &gate, &learned.snapshot.default_agent_id);
    let outcomes: Vec<_> = trials.iter().map(|trial| trial.outcome.clone()).collect();
    let report = Report::of(&outcomes, &setting);
    let overlaps = learned.overlaps().await?;
    answer::say(&Summary::new(report, setting.costs, &trials, overlaps), arguments.json)
}

fn setting(arguments: &Arguments, gate: &Gate<'_>, default_agent_id: &str) -> Setting {
    let agents = || gate.agents().map(|agent| (agent.agent_id.clone(), agent));
    Setting {
        default_agent_id: default_agent_id.to_owned(),
        asks: agents().map(|(id, agent)| (id, gate.asks(agent))).collect(),
        thresholds: agents().map(|(id, agent)| (id, agent.confidence_threshold)).collect(),
        costs: Costs {
            wrong_route: arguments.wrong_route_cost,
            question: arguments.question_cost,
            fallback: arguments.fallback_cost,
        },
    }
}

/// Puts every text to classifier and gate, in the order of the file, and writes what became of each as it goes.
async fn classify(
    learned: &Learned,
    gate: &Gate<'_>,
    lines: &[Line],
    predictions: Option<&Path>,
) -> anyhow::Result<Vec<Trial>> {
    let create = |path: &Path| {
        File::create(path).with_context(|| format!("cannot write {}", path.display()))
    };
    let mut file = predictions.map(create).transpose()?.map(BufWriter::new);
    let bar = progress(lines.len());
    let trials = stream::iter(lines).map(|line| async move {
        let said = learned.classify(&line.text, "").await?;
        anyhow::Ok((line, Trial::of(line, said, gate)))
    });
    let mut trials = trials.buffered(AT_ONCE);
    let mut done = Vec::with_capacity(lines.len());
    while let Some((line, trial)) = trials.try_next().await? {
        if let Some(file) = &mut file {
            writeln!(file, "{}", serde_json::to_string(&trial.prediction(&line.text))?)?;
        }
        done.push(trial);
        bar.inc(1);
    }
    if let Some(file) = &mut file {
        file.flush()?;
    }
    bar.finish_and_clear();
    Ok(done)
}

/// On the error stream, and only if that is a terminal.
fn progress(lines: usize) -> ProgressBar {
    if lines < LONG_LINES {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(lines as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} left");
    bar.set_style(style.expect("the template is valid"));
    bar.enable_steady_tick(TICK);
    bar
}
