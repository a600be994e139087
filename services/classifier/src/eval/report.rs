//! The report on a file of labelled texts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Outcome, Setting, curve, threshold};

/// How good a classifier was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Texts in all.
    pub texts: usize,
    /// Those of them that no agent should get.
    pub outside: usize,
    /// The share of the others that were taken to be for the right agent.
    pub accuracy: f64,
    /// The share of texts for nobody that were left to the default agent.
    pub outside_recall: Option<f64>,
    /// The probability that a text for some agent scores above one for none.
    pub oos_auroc: Option<f64>,
    /// The share of texts for nobody that pass where 95 % of the others do.
    pub oos_fpr_at_95_recall: Option<f64>,
    /// The expected calibration error over texts for some agent, in 15 bins.
    pub calibration_error: f64,
    /// The same over all texts; of one for nobody the default agent is right.
    pub calibration_error_with_oos: f64,
    /// How many texts the gate would route, ask back about, or leave to the default agent.
    pub actions: BTreeMap<super::Action, usize>,
    /// Each agent by itself, ascending by id.
    pub agents: Vec<AgentReport>,
    /// By label, how many texts were taken to be for which agent.
    pub confusion: BTreeMap<String, BTreeMap<String, usize>>,
}

/// How good it was for one agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentReport {
    /// The agent.
    pub agent_id: String,
    /// Texts that it should get.
    pub texts: usize,
    /// The share of the texts taken to be for it that were; none when there were none.
    pub precision: Option<f64>,
    /// The share of its texts that were taken to be for it; none when it has none.
    pub recall: Option<f64>,
    /// The threshold in force; none for the default agent, which needs none.
    pub threshold: Option<f64>,
    /// What mistakes cost at that threshold.
    pub cost: Option<f64>,
    /// The threshold at which mistakes would have cost least.
    pub best_threshold: Option<f64>,
    /// What they would have cost then.
    pub best_cost: Option<f64>,
}

impl Report {
    /// Counts what became of labelled texts.
    #[must_use]
    pub fn of(outcomes: &[Outcome], setting: &Setting) -> Self {
        let default = setting.default_agent_id.as_str();
        let (outside, inside): (Vec<&Outcome>, Vec<&Outcome>) =
            outcomes.iter().partition(|outcome| outcome.is_outside());
        let right =
            |list: &[&Outcome]| list.iter().filter(|outcome| outcome.is_right(default)).count();
        let scores = |list: &[&Outcome]| -> Vec<f64> {
            list.iter().map(|outcome| outcome.inside_score(default)).collect()
        };
        let answers = |list: &mut dyn Iterator<Item = &Outcome>| -> Vec<(f64, bool)> {
            list.map(|outcome| (outcome.confidence, outcome.is_right(default))).collect()
        };
        // A text for the default agent is meant for no other, as one for nobody is, and tells nothing about the bar.
        let (_, beyond): (Vec<&Outcome>, Vec<&Outcome>) =
            inside.iter().partition(|outcome| outcome.label == default);
        let (inside_scores, outside_scores) = (scores(&beyond), scores(&outside));
        let mut actions = BTreeMap::new();
        outcomes.iter().for_each(|outcome| *actions.entry(outcome.action).or_default() += 1);
        Self {
            texts: outcomes.len(),
            outside: outside.len(),
            accuracy: share(right(&inside), inside.len()).unwrap_or(0.0),
            outside_recall: share(right(&outside), outside.len()),
            oos_auroc: curve::auroc(&inside_scores, &outside_scores),
            oos_fpr_at_95_recall: curve::false_positives(&inside_scores, &outside_scores),
            calibration_error: curve::calibration_error(&answers(&mut inside.iter().copied())),
            calibration_error_with_oos: curve::calibration_error(&answers(&mut outcomes.iter())),
            actions,
            agents: agents(outcomes, setting),
            confusion: confusion(outcomes),
        }
    }
}

fn agents(outcomes: &[Outcome], setting: &Setting) -> Vec<AgentReport> {
    let scored = outcomes.iter().flat_map(|outcome| outcome.agent_scores.keys());
    let labels =
        outcomes.iter().filter(|outcome| !outcome.is_outside()).map(|outcome| &outcome.label);
    let ids: BTreeSet<&String> = scored.chain(labels).collect();
    let count =
        |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    let report = |id: &String| {
        let texts = count(&|outcome| outcome.label == *id);
        let taken = count(&|outcome| outcome.agent_id == *id);
        let both = count(&|outcome| {
            outcome.agent_id == *id && outcome.is_right(&setting.default_agent_id)
        });
        let own = count(&|outcome| outcome.agent_id == *id && outcome.label == *id);
        let is_chosen = *id != setting.default_agent_id;
        let best = is_chosen.then(|| threshold::best(id, outcomes, setting)).flatten();
        let threshold = setting.thresholds.get(id).copied().filter(|_| is_chosen);
        AgentReport {
            agent_id: id.clone(),
            texts,
            precision: share(both, taken),
            recall: share(own, texts),
            threshold,
            cost: threshold
                .and_then(|threshold| threshold::cost(id, threshold, (outcomes, setting))),
            best_threshold: best.map(|(threshold, _)| threshold),
            best_cost: best.map(|(_, cost)| cost),
        }
    };
    ids.into_iter().map(report).collect()
}

fn confusion(outcomes: &[Outcome]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut confusion: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for outcome in outcomes {
        let row = confusion.entry(outcome.label.clone()).or_default();
        *row.entry(outcome.agent_id.clone()).or_default() += 1;
    }
    confusion
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (0 < whole).then(|| part as f64 / whole as f64)
}
