//! The local model: which agent a text is meant for, judged by what the definitions say.
//!
//! Every example and every phrase of a description is a row with the features of its text. Kernel ridge regression over
//! the rows scores each agent; the calibration turns scores into probabilities. Sentences about anything and everything
//! take part as rows without an agent, so that the model knows what a text for nobody looks like; what it takes such a
//! text for goes to the default agent.

mod overlap;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::calibration::{Calibration, LeftOut};
use crate::features::Features;
use crate::index::Index;
use crate::ridge::{Matrix, solve};
use crate::tier::{Form, Tier, Tuning};
use crate::words::{fold, plain};

pub use self::overlap::Overlap;

use self::rows::{Draft, Row, Source};

/// How far the model departs from its rows for the sake of smoothness.
const RIDGE: f64 = 0.1;
/// How much the best score counts beside the largest similarity as evidence for a text to be meant for an agent.
const SCORE_EVIDENCE: f64 = 0.5;
/// How much of the probability a text that equals an example leaves to everything else.
const EXACT_DOUBT: f64 = 0.02;
/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 10_000;

/// What a definition tells the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The agent.
    pub agent_id: String,
    /// What it does.
    pub description: String,
    /// What people say to it.
    pub examples: Vec<String>,
    /// What it can do, in single words.
    pub skills: Vec<String>,
    /// What it is about, in single words.
    pub domains: Vec<String>,
    /// Whether it takes what fits no agent.
    pub is_default: bool,
}

/// What the model says of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The agent with the highest probability.
    pub agent_id: String,
    /// That probability.
    pub confidence: f64,
    /// Whether another agent is nearly as likely.
    pub ambiguous: bool,
    /// The probability of every agent, in the order of their ids; they sum to one.
    pub scores: Vec<(String, f64)>,
}

/// A model of one set of definitions.
#[derive(Debug)]
pub struct Model {
    tier: Arc<dyn Tier>,
    tuning: Tuning,
    agents: Vec<String>,
    default: Option<usize>,
    index: Index,
    /// Whose the rows are; those of nobody stand last.
    owned_rows: usize,
    coefficients: Vec<f64>,
    calibration: Calibration,
    exact: BTreeMap<String, Vec<usize>>,
    overlaps: Vec<Overlap>,
}

impl Model {
    /// Learns from definitions, in whatever order they and their examples are given, as a tier sees them.
    #[must_use]
    pub fn learn(profiles: &[Profile], tier: Arc<dyn Tier>) -> Self {
        let tuning = tier.tuning();
        let mut profiles: Vec<&Profile> = profiles.iter().collect();
        profiles.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
        let agents: Vec<String> = profiles.iter().map(|profile| profile.agent_id.clone()).collect();
        let rows = rows::of(&profiles, &*tier);
        let features: Vec<Features> = rows.iter().map(|row| row.features.clone()).collect();
        let index = Index::of(&features, tuning.lexical);
        let similarities: Vec<Vec<f32>> =
            features.iter().map(|row| index.similarities(row)).collect();
        let kernel = Matrix::symmetric(rows.len(), |a, b| closeness(similarities[a][b], tuning));
        let targets: Vec<Option<usize>> = rows.iter().map(|row| row.agent).collect();
        let solution = solve(kernel, RIDGE, &targets, agents.len());
        let lesson =
            Lesson { rows: &rows, similarities: &similarities, left_out: &solution.left_out };
        let calibration = lesson.calibration(agents.len(), tuning.sharpness);
        Self {
            tier,
            tuning,
            default: profiles.iter().position(|profile| profile.is_default),
            index,
            owned_rows: lesson.owned_rows(),
            calibration,
            exact: exact_texts(&profiles),
            overlaps: lesson.overlaps(&agents, calibration),
            coefficients: solution.coefficients,
            agents,
        }
    }

    /// What sees the texts.
    #[must_use]
    pub fn tier(&self) -> &dyn Tier {
        &*self.tier
    }

    /// The agents that the model knows, ascending.
    #[must_use]
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    /// Examples that say what another agent says, ascending by agent and example.
    #[must_use]
    pub fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }

    /// Which agent a text is meant for. Two agents closer than `margin` make the verdict ambiguous.
    ///
    /// # Panics
    /// When the model was built of no definition, which no registry allows.
    #[must_use]
    pub fn classify(&self, text: &str, margin: f64) -> Verdict {
        let probabilities = self.probabilities(text);
        // The first of equals wins, so that the order of ids decides.
        let best = (0..probabilities.len())
            .rev()
            .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
            .expect("a model has at least one agent");
        let confidence = probabilities[best].clamp(0.0, 1.0);
        let second = (0..probabilities.len()).filter(|n| *n != best).map(|n| probabilities[n]);
        Verdict {
            agent_id: self.agents[best].clone(),
            confidence,
            ambiguous: second.into_iter().any(|other| confidence - other < margin),
            scores: self.agents.iter().cloned().zip(probabilities).collect(),
        }
    }

    fn probabilities(&self, text: &str) -> Vec<f64> {
        let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
        let similarities = self.index.similarities(&self.tier.features(&text, Form::Sentence));
        let scores = self.scores(&similarities);
        let evidence = evidence(similarities[..self.owned_rows].iter().copied(), &scores);
        let inside = self.default.map_or(1.0, |_| self.calibration.inside(evidence));
        let mut shares = self.calibration.shares(&scores);
        shares.iter_mut().for_each(|share| *share *= inside);
        if let Some(default) = self.default {
            shares[default] += 1.0 - inside;
        }
        if let Some(owners) = self.exact.get(&plain(&fold(&text))) {
            shares.iter_mut().for_each(|share| *share *= EXACT_DOUBT);
            owners.iter().for_each(|n| shares[*n] += (1.0 - EXACT_DOUBT) / owners.len() as f64);
        }
        shares
    }

    fn scores(&self, similarities: &[f32]) -> Vec<f64> {
        let mut scores = vec![0.0; self.agents.len()];
        let rows = self.coefficients.chunks_exact(self.agents.len().max(1));
        for (similarity, coefficients) in similarities.iter().zip(rows) {
            let closeness = closeness(*similarity, self.tuning);
            scores.iter_mut().zip(coefficients).for_each(|(score, x)| *score += closeness * x);
        }
        scores
    }
}

/// Every text that learning looks at, and how it came about.
#[must_use]
pub fn texts(profiles: &[Profile]) -> BTreeSet<(String, Form)> {
    let drafts = profiles.iter().flat_map(rows::drafts);
    drafts.chain(rows::background()).map(Draft::text_and_form).collect()
}

/// What learning saw of each row without itself.
struct Lesson<'a> {
    rows: &'a [Row],
    similarities: &'a [Vec<f32>],
    left_out: &'a [f64],
}

impl Lesson<'_> {
    fn owned_rows(&self) -> usize {
        self.rows.iter().filter(|row| row.agent.is_some()).count()
    }

    fn scores(&self, row: usize, agents: usize) -> &[f64] {
        &self.left_out[row * agents..][..agents]
    }

    fn evidence(&self, row: usize, agents: usize) -> f64 {
        let owned = &self.similarities[row][..self.owned_rows()];
        let others = owned.iter().enumerate().filter(|(other, _)| *other != row);
        evidence(others.map(|(_, similarity)| *similarity), self.scores(row, agents))
    }

    fn calibration(&self, agents: usize, usual_sharpness: f64) -> Calibration {
        let examples: Vec<LeftOut> = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.source == Source::Example)
            .filter_map(|(n, row)| {
                let scores = self.scores(n, agents).to_vec();
                Some(LeftOut { scores, agent: row.agent?, evidence: self.evidence(n, agents) })
            })
            .collect();
        let nobodys = self.owned_rows()..self.rows.len();
        let outside: Vec<f64> = nobodys.map(|n| self.evidence(n, agents)).collect();
        Calibration::fit(&examples, &outside, usual_sharpness)
    }

    fn overlaps(&self, agents: &[String], calibration: Calibration) -> Vec<Overlap> {
        let seen = |row| overlap::Seen {
            row,
            shares: calibration.shares(self.scores(row, agents.len())),
            similarities: &self.similarities[row],
        };
        (0..self.rows.len()).filter_map(|row| overlap::of(&seen(row), self.rows, agents)).collect()
    }
}

fn closeness(similarity: f32, tuning: Tuning) -> f64 {
    (-tuning.width * (1.0 - f64::from(similarity))).exp()
}

fn evidence(similarities: impl Iterator<Item = f32>, scores: &[f64]) -> f64 {
    let nearest = similarities.fold(0.0_f32, f32::max);
    let best = scores.iter().copied().fold(0.0_f64, f64::max);
    f64::from(nearest) + SCORE_EVIDENCE * best
}

/// The texts that are examples, and whose.
fn exact_texts(profiles: &[&Profile]) -> BTreeMap<String, Vec<usize>> {
    let mut exact: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (agent, profile) in profiles.iter().enumerate() {
        for text in profile.examples.iter().map(|example| plain(&fold(example))) {
            let owners = exact.entry(text).or_default();
            if owners.last() != Some(&agent) {
                owners.push(agent);
            }
        }
    }
    exact.remove("");
    exact
}
