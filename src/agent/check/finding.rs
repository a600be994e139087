//! What a check has found, and how it is told.

use std::io::{self, Write};

use serde::Serialize;
use url::Url;

use crate::answer::{Answer, Side, table, write_table};

/// How much a rule matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// Without it the mesh cannot work with the agent, or customers notice.
    Must,
    /// Without it something is lost that can be overlooked.
    Should,
}

/// One rule of the agent contract.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    name: &'static str,
    level: Level,
    advice: &'static str,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The agent keeps the rule.
    Passed(String),
    /// It does not.
    Failed(String),
    /// It cannot be seen, or does not concern this agent.
    Skipped(String),
}

impl Rule {
    /// A rule that has to be kept, and what to do when it is not.
    pub(super) const fn must(name: &'static str, advice: &'static str) -> Self {
        Self { name, level: Level::Must, advice }
    }

    /// A rule that is better kept.
    pub(super) const fn should(name: &'static str, advice: &'static str) -> Self {
        Self { name, level: Level::Should, advice }
    }

    /// The finding of this rule.
    pub(super) fn judge(self, verdict: Verdict) -> Finding {
        let Self { name, level, advice } = self;
        let (outcome, seen) = match verdict {
            Verdict::Passed(seen) => (Outcome::Passed, seen),
            Verdict::Failed(seen) => (Outcome::Failed, seen),
            Verdict::Skipped(seen) => (Outcome::Skipped, seen),
        };
        let advice = (outcome == Outcome::Failed).then_some(advice);
        Finding { check: name, level, outcome, seen, advice }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) outcome: Outcome,
    pub(super) seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

/// All findings about one agent.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    endpoint: String,
    success: bool,
    pub(super) checks: Vec<Finding>,
}

impl Report {
    /// The report of these findings.
    pub(super) fn of(endpoint: &Url, checks: Vec<Finding>) -> Self {
        let breaks =
            |finding: &Finding| finding.level == Level::Must && finding.outcome == Outcome::Failed;
        Self { endpoint: endpoint.to_string(), success: !checks.iter().any(breaks), checks }
    }

    fn count(&self, level: Level, outcome: Outcome) -> usize {
        self.checks.iter().filter(|it| it.level == level && it.outcome == outcome).count()
    }
}

impl Answer for Report {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = table(&[("", Side::Left), ("check", Side::Left), ("seen", Side::Left)]);
        for Finding { check, level, outcome, seen, .. } in &self.checks {
            let mark = match (outcome, level) {
                (Outcome::Passed, _) => "passed",
                (Outcome::Skipped, _) => "skipped",
                (Outcome::Failed, Level::Must) => "FAILED",
                (Outcome::Failed, Level::Should) => "better",
            };
            lines.add_row([mark, check, seen]);
        }
        write_table(out, &lines)?;
        for Finding { check, advice, .. } in &self.checks {
            if let Some(advice) = advice {
                writeln!(out, "\n{check}: {advice}")?;
            }
        }
        let passed =
            self.count(Level::Must, Outcome::Passed) + self.count(Level::Should, Outcome::Passed);
        let (failed, better) =
            (self.count(Level::Must, Outcome::Failed), self.count(Level::Should, Outcome::Failed));
        writeln!(out, "\n{passed} passed, {failed} failed, {better} could be better")
    }

    fn is_good(&self) -> bool {
        self.success
    }
}
