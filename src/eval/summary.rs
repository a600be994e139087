//! The report of an evaluation, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use classifier::eval::{Action, Costs, Report};
use classifier::model::Overlap;
use serde::Serialize;

use super::trial::Trial;
use crate::answer::{Answer, Side, table, write_table};
use crate::learned::collision;

/// All that an evaluation has found out.
#[derive(Serialize)]
pub(super) struct Summary {
    #[serde(flatten)]
    report: Report,
    costs: Costs,
    /// How many texts which tier decided, by tier and revision.
    decided_by: BTreeMap<String, usize>,
    /// How often the local model decided in place of a language model, by reason.
    fallback_reasons: BTreeMap<String, usize>,
    overlaps: Vec<Collision>,
}

#[derive(Serialize)]
struct Collision {
    agent_id: String,
    example: String,
    other_agent_id: String,
    other_text: String,
    similarity: f64,
    #[serde(skip)]
    text: String,
}

impl Summary {
    pub(super) fn new(
        report: Report,
        costs: Costs,
        trials: &[Trial],
        overlaps: Vec<Overlap>,
    ) -> Self {
        let (mut decided_by, mut fallback_reasons) = (BTreeMap::new(), BTreeMap::new());
        for trial in trials {
            *decided_by.entry(format!("{} {}", trial.tier, trial.revision)).or_default() += 1;
            if !trial.fallback_reason.is_empty() {
                *fallback_reasons.entry(trial.fallback_reason.clone()).or_default() += 1;
            }
        }
        let overlaps = overlaps.into_iter().map(Collision::of).collect();
        Self { report, costs, decided_by, fallback_reasons, overlaps }
    }

    fn write_figures(&self, out: &mut dyn Write) -> io::Result<()> {
        let report = &self.report;
        let decided: Vec<String> =
            self.decided_by.iter().map(|(tier, texts)| format!("{texts} by {tier}")).collect();
        writeln!(
            out,
            "{} texts, {} of them for no agent; decided: {}",
            report.texts,
            report.outside,
            decided.join(", ")
        )?;
        for (reason, texts) in &self.fallback_reasons {
            writeln!(
                out,
                "{texts} of them by the local model in place of the language model: {reason}"
            )?;
        }
        let count = |action| report.actions.get(&action).copied().unwrap_or_default();
        let mut figures = table(&[("", Side::Left), ("", Side::Right), ("", Side::Left)]);
        figures.add_rows([
            ["accuracy".to_owned(), figure(Some(report.accuracy)), String::new()],
            [
                "out of scope: AUROC".to_owned(),
                figure(report.oos_auroc),
                "1 tells every text for no agent from the others, 0.5 none".to_owned(),
            ],
            [
                "out of scope: false positives".to_owned(),
                figure(report.oos_fpr_at_95_recall),
                "pass where 95 % of the others do".to_owned(),
            ],
            [
                "out of scope: recall".to_owned(),
                figure(report.outside_recall),
                "left to the default agent".to_owned(),
            ],
            [
                "calibration error".to_owned(),
                figure(Some(report.calibration_error)),
                format!(
                    "{} with texts for no agent",
                    figure(Some(report.calibration_error_with_oos))
                ),
            ],
            [
                "gate".to_owned(),
                String::new(),
                format!(
                    "{} routed, {} asked, {} fell back",
                    count(Action::Route),
                    count(Action::Clarify),
                    count(Action::Fallback)
                ),
            ],
        ]);
        write_table(out, &figures)
    }

    fn write_agents(&self, out: &mut dyn Write) -> io::Result<()> {
        let Costs { wrong_route, question, fallback } = self.costs;
        let mut agents = table(&[
            ("agent", Side::Left),
            ("texts", Side::Right),
            ("precision", Side::Right),
            ("recall", Side::Right),
            ("threshold", Side::Right),
            ("cost", Side::Right),
            ("best threshold", Side::Right),
            ("best cost", Side::Right),
        ]);
        for agent in &self.report.agents {
            agents.add_row([
                agent.agent_id.clone(),
                agent.texts.to_string(),
                figure(agent.precision),
                figure(agent.recall),
                plain(agent.threshold),
                plain(agent.cost),
                plain(agent.best_threshold),
                plain(agent.best_cost),
            ]);
        }
        write_table(out, &agents)?;
        writeln!(out, "costs: wrong route {wrong_route}, question {question}, fallback {fallback}")
    }

    fn write_confusion(&self, out: &mut dyn Write) -> io::Result<()> {
        let confusion = &self.report.confusion;
        let taken: BTreeSet<&String> = confusion.values().flat_map(BTreeMap::keys).collect();
        let mut columns = vec![("label, and the agent found", Side::Left)];
        columns.extend(taken.iter().map(|agent| (agent.as_str(), Side::Right)));
        let mut matrix = table(&columns);
        for (label, row) in confusion {
            let texts = |agent: &&String| row.get(*agent).map_or("-".to_owned(), usize::to_string);
            matrix.add_row([label.clone()].into_iter().chain(taken.iter().map(texts)));
        }
        write_table(out, &matrix)
    }
}

impl Answer for Summary {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_figures(out)?;
        writeln!(out)?;
        self.write_agents(out)?;
        writeln!(out)?;
        self.write_confusion(out)?;
        if !self.overlaps.is_empty() {
            writeln!(out, "\noverlapping examples")?;
        }
        self.overlaps.iter().try_for_each(|overlap| writeln!(out, "  {}", overlap.text))
    }
}

impl Collision {
    fn of(overlap: Overlap) -> Self {
        Self {
            text: collision(&overlap),
            agent_id: overlap.agent_id,
            example: overlap.example,
            other_agent_id: overlap.other_agent_id,
            other_text: overlap.other_text,
            similarity: overlap.similarity,
        }
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}

fn plain(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}
