//! Measures the local model on intent data: `cargo run --release -p classifier --example intent -- FOLDER...`.
//!
//! A folder holds `agents.json` (descriptions by label), `train_{shots}_seed{draw}.jsonl` and `dev.jsonl` with lines
//! `{"text","label"}`, where `oos` is the label of what no agent should get. Prints the mean over the draws.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use classifier::eval::{Action, Line, Outcome, Report, Setting};
use classifier::model::{Model, Profile};
use classifier::vectors::Vectors;

const SHOTS: [u32; 3] = [5, 10, 20];
const DRAWS: u32 = 5;
const MARGIN: f64 = 0.1;
const DEFAULT_AGENT: &str = "default-agent";

fn main() -> Result<()> {
    let vectors = Arc::new(Vectors::shipped()?);
    println!(
        "| task | examples | accuracy | AUROC | FPR at 95 % | ECE | ECE with oos | load ms | query us |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for folder in std::env::args().skip(1) {
        for shots in SHOTS {
            measure(Path::new(&folder), shots, &vectors)?;
        }
    }
    Ok(())
}

fn measure(folder: &Path, shots: u32, vectors: &Arc<Vectors>) -> Result<()> {
    let descriptions: BTreeMap<String, String> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("agents.json"))?)?;
    let dev = lines(&folder.join("dev.jsonl"))?;
    let setting = Setting { default_agent_id: DEFAULT_AGENT.to_owned(), ..Setting::default() };
    let mut sums = [0.0; 7];
    for draw in 0..DRAWS {
        let train = lines(&folder.join(format!("train_{shots}_seed{draw}.jsonl")))?;
        let profiles = profiles(&descriptions, &train);
        let started = Instant::now();
        let model = Model::learn(&profiles, vectors.clone());
        let load_ms = started.elapsed().as_secs_f64() * 1e3;
        let started = Instant::now();
        let outcomes: Vec<Outcome> = dev.iter().map(|line| outcome(&model, line)).collect();
        let query_us = started.elapsed().as_secs_f64() * 1e6 / dev.len() as f64;
        let report = Report::of(&outcomes, &setting);
        let auroc = report.oos_auroc.unwrap_or(f64::NAN);
        let fpr = report.oos_fpr_at_95_recall.unwrap_or(f64::NAN);
        let figures = [
            report.accuracy,
            auroc,
            fpr,
            report.calibration_error,
            report.calibration_error_with_oos,
            load_ms,
            query_us,
        ];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure / f64::from(DRAWS));
    }
    let name = folder.file_name().unwrap_or_default().display();
    let [accuracy, auroc, fpr, ece, ece_all, load_ms, query_us] = sums;
    println!(
        "| {name} | {shots} | {accuracy:.3} | {auroc:.3} | {fpr:.2} | {ece:.3} | {ece_all:.3} | {load_ms:.0} | {query_us:.0} |"
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
