//! What happened, as a table or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::check::Violation;
use crate::evidence::Evidence;
use crate::mesh::Mesh;
use crate::plan::{Harm, Plan};

/// The outcome of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    seed: u64,
    kills: usize,
    pauses: usize,
    restarts: usize,
    /// Blows by name.
    victims: BTreeMap<String, usize>,
    messages: usize,
    /// Messages by how they ended.
    endings: BTreeMap<String, usize>,
    tries: u32,
    losses: u32,
    /// Answers that asked for another try, by code.
    setbacks: BTreeMap<String, usize>,
    bills: usize,
    violations: Vec<Violation>,
}

impl Report {
    pub(crate) fn of(
        seed: u64,
        (plan, mesh): (&Plan, &Mesh),
        evidence: &Evidence,
        violations: Vec<Violation>,
    ) -> Self {
        let stories = &evidence.stories;
        let names = plan.blows.iter().map(|blow| mesh.victims[blow.victim].name.clone());
        let ending = |story: &crate::user::Story| match story.ending.status {
            200 => story.ending.text_at("type").to_owned(),
            _ => story.ending.text_at("code").to_owned(),
        };
        Self {
            seed,
            kills: plan.count(Harm::Kill),
            pauses: plan.count(Harm::Pause),
            restarts: plan.count(Harm::Restart),
            victims: count(names),
            messages: stories.len(),
            endings: count(stories.iter().map(ending)),
            tries: stories.iter().map(|story| story.tries).sum(),
            losses: stories.iter().map(|story| story.losses).sum(),
            setbacks: count(stories.iter().flat_map(|story| story.setbacks.iter().cloned())),
            bills: evidence.bills.len(),
            violations,
        }
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// For programs.
    pub fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// For people.
    pub fn table(&self) -> String {
        let list = |counts: &BTreeMap<String, usize>| {
            let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
            each.collect::<Vec<_>>().join(", ")
        };
        let rows = [
            ("seed", self.seed.to_string()),
            (
                "kills, pauses, restarts",
                format!("{}, {}, {}", self.kills, self.pauses, self.restarts),
            ),
            ("of", list(&self.victims)),
            ("messages", self.messages.to_string()),
            ("ended as", list(&self.endings)),
            ("tries, without an answer", format!("{}, {}", self.tries, self.losses)),
            ("told to try again", list(&self.setbacks)),
            ("calls billed", self.bills.to_string()),
            ("violations", self.violations.len().to_string()),
        ];
        let mut text = String::from("| | |\n|---|---|\n");
        for (name, value) in rows {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        for violation in &self.violations {
            let _ = writeln!(text, "VIOLATION {}: {}", violation.rule, violation.what);
        }
        text
    }
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
