//! Medians over the rounds, each as a ratio to B.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::caller::{Answers, Target};
use crate::crew;

/// One measurement of one target.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Round {
    /// At one caller.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// At saturation.
    pub(crate) per_second: f64,
    pub(crate) p50_many_us: f64,
    pub(crate) p99_many_us: f64,
    /// Of all processes of the target, per answer, at saturation.
    pub(crate) cpu_us: f64,
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a few seconds")]
    pub(crate) fn of(single: &Answers, many: &Answers, cpu_micros: u64) -> Self {
        Self {
            p50_us: single.quantile(0.5),
            p99_us: single.quantile(0.99),
            per_second: many.per_second(),
            p50_many_us: many.quantile(0.5),
            p99_many_us: many.quantile(0.99),
            cpu_us: cpu_micros as f64 / many.micros.len().max(1) as f64,
        }
    }
}

/// What was measured, by target in the order of the first round.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rounds: Vec<(String, Vec<Round>)>,
    memory_kib: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Row<'a> {
    target: &'a str,
    #[serde(flatten)]
    median: Round,
    p50_ratio: f64,
    per_second_ratio: f64,
    p99_over_p50_many: f64,
    memory_kib: u64,
}

impl Report {
    pub(crate) fn add(&mut self, target: &str, round: Round) {
        match self.rounds.iter_mut().find(|(name, _)| name == target) {
            Some((_, rounds)) => rounds.push(round),
            None => self.rounds.push((target.to_owned(), vec![round])),
        }
    }

    pub(crate) fn memory(&mut self, targets: &[Target]) {
        let of = |target: &Target| (target.name.clone(), crew::memory_kib(&target.processes));
        self.memory_kib = targets.iter().map(of).collect();
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let base = self.rounds.first().map(|(_, rounds)| median(rounds)).unwrap_or_default();
        self.rounds
            .iter()
            .map(|(target, rounds)| (target, median(rounds)))
            .map(|(target, median)| Row {
                target,
                median,
                p50_ratio: median.p50_us / base.p50_us,
                per_second_ratio: median.per_second / base.per_second,
                p99_over_p50_many: median.p99_many_us / median.p50_many_us,
                memory_kib: self.memory_kib.get(target).copied().unwrap_or_default(),
            })
            .collect()
    }

    pub(crate) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&self.rows())? + "\n")
    }

    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| target | p50 us, 1 caller | x B | p99 us, 1 caller | answers/s | x B | p99/p50 | CPU us/answer | MiB |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for row in self.rows() {
            let Round { p50_us, p99_us, per_second, cpu_us, .. } = row.median;
            let _ = writeln!(
                text,
                "| {} | {p50_us:.0} | {:.1} | {p99_us:.0} | {per_second:.0} | {:.2} | {:.1} | {cpu_us:.0} | {} |",
                row.target,
                row.p50_ratio,
                row.per_second_ratio,
                row.p99_over_p50_many,
                row.memory_kib / 1024
            );
        }
        text
    }
}

fn median(rounds: &[Round]) -> Round {
    let of = |value: fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Round {
        p50_us: of(|round| round.p50_us),
        p99_us: of(|round| round.p99_us),
        per_second: of(|round| round.per_second),
        p50_many_us: of(|round| round.p50_many_us),
        p99_many_us: of(|round| round.p99_many_us),
        cpu_us: of(|round| round.cpu_us),
    }
}
