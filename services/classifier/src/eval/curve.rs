//! Ranks and bins.

/// The bins of the calibration error.
const BINS: usize = 15;
/// The share of texts for some agent that must be kept when the others are turned away.
const RECALL: f64 = 0.95;

/// The probability that a text from inside scores above one from outside; none when either is missing.
pub(super) fn auroc(inside: &[f64], outside: &[f64]) -> Option<f64> {
    if inside.is_empty() || outside.is_empty() {
        return None;
    }
    let mut outside = outside.to_vec();
    outside.sort_by(f64::total_cmp);
    let wins = |score: &f64| {
        let below = outside.partition_point(|other| other < score);
        let equal = outside.partition_point(|other| other <= score) - below;
        below as f64 + equal as f64 / 2.0
    };
    Some(inside.iter().map(wins).sum::<f64>() / (inside.len() * outside.len()) as f64)
}

/// The share of texts from outside that pass where 95 % of those from inside do.
pub(super) fn false_positives(inside: &[f64], outside: &[f64]) -> Option<f64> {
    let mut inside = inside.to_vec();
    inside.sort_by(|a, b| b.total_cmp(a));
    let kept = ((inside.len() as f64 * RECALL).ceil() as usize).max(1);
    let bar = inside.get(kept - 1)?;
    let passed = outside.iter().filter(|score| bar <= *score).count();
    (!outside.is_empty()).then(|| passed as f64 / outside.len() as f64)
}

/// The mean distance between confidence and being right, over bins of equal width, weighted by their texts.
pub(super) fn calibration_error(answers: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for (confidence, is_right) in answers {
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += confidence;
        bins[bin].1 += f64::from(*is_right);
    }
    let distance: f64 = bins.iter().map(|(sure, right)| (sure - right).abs()).sum();
    distance / (answers.len() as f64).max(1.0)
}
