//! From scores to probabilities that mean what they say, fitted on scores that each example got without itself.
//!
//! Two numbers are fitted: how sharply scores become shares of the agents, and how much evidence a text must have to be
//! meant for any agent at all. Few examples say little about either, so each is held near where it was found to be over
//! many sets of agents, as `examples/intent.rs` measures it.

/// How many natural-log units squared of error a departure from the usual sharpness costs.
const SHARPNESS_HOLD: f64 = 100.0;
/// The sharpnesses that are tried: this many, in equal ratios between the bounds.
const SHARPNESS_STEPS: u32 = 80;
const SHARPNESS_MIN: f64 = 2.0;
const SHARPNESS_MAX: f64 = 60.0;
/// How steeply the chance to be meant for an agent rises with evidence.
const EVIDENCE_SLOPE: f64 = 17.0;
/// The evidence at which that chance is even, usually.
const EVIDENCE_USUAL: f64 = 0.28;
/// How many examples it takes to move away from it.
const EVIDENCE_HOLD: f64 = 10.0;
/// The share of texts that are taken to be meant for no agent.
const OUTSIDE_SHARE: f64 = 0.02;
/// Halvings of the search for the middle; more do not change a double.
const HALVINGS: u32 = 60;

/// What turns scores and evidence into probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The factor of scores before they become shares.
    pub sharpness: f64,
    /// The evidence at which a text is as likely meant for no agent as for one.
    pub middle: f64,
}

/// An example as the model saw it without itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// Its score for each agent.
    pub scores: Vec<f64>,
    /// The agent it belongs to.
    pub agent: usize,
    /// Its evidence to be meant for any agent.
    pub evidence: f64,
}

impl Calibration {
    /// Fits both numbers to examples and to the evidence of texts that are meant for no agent; the sharpness stays near
    /// what is usual.
    #[must_use]
    pub fn fit(examples: &[LeftOut], outside: &[f64], usual_sharpness: f64) -> Self {
        Self { sharpness: sharpness(examples, usual_sharpness), middle: middle(examples, outside) }
    }

    /// The share of each agent if the text is meant for one of them; the shares sum to one.
    #[must_use]
    pub fn shares(&self, scores: &[f64]) -> Vec<f64> {
        softmax(scores, self.sharpness)
    }

    /// The probability that a text with this evidence is meant for any agent.
    #[must_use]
    pub fn inside(&self, evidence: f64) -> f64 {
        logistic(evidence, self.middle)
    }
}

fn sharpness(examples: &[LeftOut], usual: f64) -> f64 {
    let ratio = SHARPNESS_MAX / SHARPNESS_MIN;
    let step = |n| SHARPNESS_MIN * ratio.powf(f64::from(n) / f64::from(SHARPNESS_STEPS - 1));
    let cost = |sharpness: f64| {
        let surprise = |example: &LeftOut| {
            -(softmax(&example.scores, sharpness)[example.agent].max(f64::MIN_POSITIVE)).ln()
        };
        let away = (sharpness / usual).ln();
        examples.iter().map(surprise).sum::<f64>() + SHARPNESS_HOLD * away * away
    };
    (0..SHARPNESS_STEPS)
        .map(step)
        .map(|sharpness| (cost(sharpness), sharpness))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(usual, |(_, sharpness)| sharpness)
}

/// The cost is convex in the middle, so its slope changes sign once.
fn middle(examples: &[LeftOut], outside: &[f64]) -> f64 {
    let count = examples.len() as f64;
    let hold = EVIDENCE_HOLD / (EVIDENCE_HOLD + count);
    let slope = |middle: f64| {
        let inside = |evidence: &f64| logistic(*evidence, middle);
        let lost: f64 = examples.iter().map(|e| 1.0 - inside(&e.evidence)).sum();
        let let_in: f64 = outside.iter().map(inside).sum();
        let data = (1.0 - OUTSIDE_SHARE) * lost / count.max(1.0)
            - OUTSIDE_SHARE * let_in / (outside.len() as f64).max(1.0);
        data + hold * (middle - EVIDENCE_USUAL)
    };
    let (mut low, mut high) = (-1.0, 2.0);
    for _ in 0..HALVINGS {
        let between = f64::midpoint(low, high);
        if slope(between) < 0.0 {
            low = between;
        } else {
            high = between;
        }
    }
    f64::midpoint(low, high)
}

fn softmax(scores: &[f64], sharpness: f64) -> Vec<f64> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| ((score - best) * sharpness).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn logistic(evidence: f64, middle: f64) -> f64 {
    1.0 / (1.0 + (-(evidence - middle) * EVIDENCE_SLOPE).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: f64 = 17.0;

    fn left_out(agent: usize, scores: [f64; 2], evidence: f64) -> LeftOut {
        LeftOut { scores: scores.to_vec(), agent, evidence }
    }

    #[test]
    fn no_example_leaves_what_is_usual() {
        let calibration = Calibration::fit(&[], &[], USUAL);
        assert!((calibration.sharpness - USUAL).abs() < 1.0);
        assert!((calibration.middle - EVIDENCE_USUAL).abs() < 1e-6);
    }

    #[test]
    fn examples_that_deceive_make_the_shares_flatter() {
        let honest = vec![left_out(0, [0.6, 0.4], 0.6); 200];
        let mut deceiving = honest.clone();
        deceiving.iter_mut().step_by(2).for_each(|example| example.agent = 1);
        let sure = Calibration::fit(&honest, &[], USUAL);
        let unsure = Calibration::fit(&deceiving, &[], USUAL);
        assert!(unsure.sharpness < sure.sharpness);
        assert!(unsure.shares(&[0.6, 0.4])[0] < sure.shares(&[0.6, 0.4])[0]);
    }

    #[test]
    fn the_middle_lies_between_examples_and_texts_for_nobody() {
        let examples = vec![left_out(0, [1.0, 0.0], 0.8); 300];
        let calibration = Calibration::fit(&examples, &[0.3; 100], USUAL);
        assert!(0.3 < calibration.middle && calibration.middle < 0.8, "{}", calibration.middle);
        assert!(0.9 < calibration.inside(0.8));
        assert!(calibration.inside(0.1) < 0.1);
    }

    #[test]
    fn shares_sum_to_one_however_far_apart_scores_are() {
        let calibration = Calibration { sharpness: 60.0, middle: 0.3 };
        let shares = calibration.shares(&[1e6, -1e6, 0.0]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(calibration.shares(&[0.5]), [1.0]);
    }
}
