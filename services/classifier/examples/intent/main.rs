//! Measures the tiers of the local model on intent data:
//! `cargo run --release -p classifier --example intent -- [--model FOLDER] FOLDER...`.
//!
//! A folder holds `agents.json` (descriptions by label), `train_{shots}_seed{draw}.jsonl` and `dev.jsonl` with lines
//! `{"text","label"}`, where `oos` is the label of what no agent should get. Prints the mean over the draws; the times are
//! those of the first draw. With the folder of a sentence model, the model tier is measured beside the static one.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

mod memory;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use classifier::eval::{Action, Line, Outcome, Report, Setting};
use classifier::model::{self, Model, Profile};
use classifier::sentence::Sentences;
use classifier::tier::Tier as _;
use classifier::vectors::Vectors;

use memory::Memory;

const SHOTS: [u32; 3] = [5, 10, 20];
const DRAWS: u32 = 5;
const MARGIN: f64 = 0.1;
const DEFAULT_AGENT: &str = "default-agent";
/// Texts that the speed of a query is measured on.
const TIMED: usize = 100;

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let vectors = Arc::new(Vectors::shipped()?);
    let mut tiers = vec![Memory::of(vectors.clone())];
    if arguments.first().is_some_and(|first| first == "--model") {
        let folder = arguments.get(1).context("--model needs a folder")?;
        tiers.push(Memory::of_sentences(Sentences::load(Path::new(folder), vectors)?));
        arguments.drain(..2);
    }
    println!(
        "| tier | task | examples | accuracy | AUROC | FPR at 95 % | ECE | ECE with oos | load ms | query us |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for tier in tiers.into_iter().map(Arc::new) {
        for folder in &arguments {
            for shots in SHOTS {
                measure(Path::new(folder), shots, &tier)?;
            }
        }
    }
    Ok(())
}

fn measure(folder: &Path, shots: u32, tier: &Arc<Memory>) -> Result<()> {
    let descriptions: BTreeMap<String, String> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("agents.json"))?)?;
    let dev = lines(&folder.join("dev.jsonl"))?;
    let setting = Setting { default_agent_id: DEFAULT_AGENT.to_owned(), ..Setting::default() };
    let mut sums = [0.0; 5];
    let mut times = (0.0, 0.0);
    for draw in 0..DRAWS {
        let train = lines(&folder.join(format!("train_{shots}_seed{draw}.jsonl")))?;
        let profiles = profiles(&descriptions, &train);
        if draw == 0 {
            tier.forget();
        }
        let started = Instant::now();
        tier.study(&model::texts(&profiles));
        let model = Model::learn(&profiles, tier.clone());
        let load_ms = started.elapsed().as_secs_f64() * 1e3;
        if draw == 0 {
            let timed: Vec<&Line> = dev.iter().step_by(dev.len().div_ceil(TIMED)).collect();
            let started = Instant::now();
            for line in &timed {
                std::hint::black_box(model.classify(&line.text, MARGIN));
            }
            times = (load_ms, started.elapsed().as_secs_f64() * 1e6 / timed.len() as f64);
        }
        let outcomes: Vec<Outcome> = dev.iter().map(|line| outcome(&model, line)).collect();
        let report = Report::of(&outcomes, &setting);
        let figures = [
            report.accuracy,
            report.oos_auroc.unwrap_or(f64::NAN),
            report.oos_fpr_at_95_recall.unwrap_or(f64::NAN),
            report.calibration_error,
            report.calibration_error_with_oos,
        ];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure / f64::from(DRAWS));
    }
    let (tier, task) = (tier.name(), folder.file_name().unwrap_or_default().display());
    let [accuracy, auroc, fpr, ece, ece_all] = sums;
    let (load_ms, query_us) = times;
    println!(
        "| {tier} | {task} | {shots} | {accuracy:.3} | {auroc:.3} | {fpr:.2} | {ece:.3} | {ece_all:.3} | {load_ms:.0} | {query_us:.0} |"
    );
    Ok(())
}

fn outcome(model: &Model, line: &Line) -> Outcome {
    let verdict = model.classify(&line.text, MARGIN);
    Outcome {
        label: line.label.clone(),
        agent_id: verdict.agent_id,
        confidence: verdict.confidence,
        ambiguous: verdict.ambiguous,
        agent_scores: verdict.scores.into_iter().collect(),
        action: Action::Route,
    }
}

fn profiles(descriptions: &BTreeMap<String, String>, train: &[Line]) -> Vec<Profile> {
    let named = |(label, description): (&String, &String)| Profile {
        agent_id: label.replace('_', "-"),
        description: description.clone(),
        examples: train
            .iter()
            .filter(|line| line.label == label.replace('_', "-"))
            .map(|line| line.text.clone())
            .collect(),
        ..Profile::default()
    };
    let default = Profile {
        agent_id: DEFAULT_AGENT.to_owned(),
        description: "Answers what no other agent does".to_owned(),
        examples: vec!["something else".to_owned()],
        is_default: true,
        ..Profile::default()
    };
    descriptions.iter().map(named).chain([default]).collect()
}

fn lines(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.lines()
        .map(|line| {
            let line: Line = serde_json::from_str(line)?;
            Ok(Line { label: line.label.replace('_', "-"), ..line })
        })
        .collect()
}
