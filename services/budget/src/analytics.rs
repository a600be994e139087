//! What was spent, by whom and on what, how fast, and whether a charge stands out.

use chrono::{TimeZone as _, Utc};

use crate::policy::Scope;

const DAY_MS: i64 = 86_400_000;
/// How many charges before it a charge is compared with.
const SPIKE_WINDOW: usize = 20;
/// How many of them there must be.
const SPIKE_CHARGES_MIN: usize = 5;
/// How many charges of a scope are looked at: the last one, and those it is compared with.
pub const CHARGES: usize = SPIKE_WINDOW + 1;

/// What a report has a line for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Each day, in UTC.
    Day,
    /// Each scope.
    Scope,
    /// Each user.
    User,
    /// Each agent.
    Agent,
    /// Each model.
    Model,
}

impl Group {
    /// The group of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "day" => Self::Day,
            "scope" => Self::Scope,
            "user" => Self::User,
            "agent" => Self::Agent,
            "model" => Self::Model,
            _ => return None,
        })
    }
}

/// The name of a day, by its number since 1970.
#[must_use]
pub fn day(number: i64) -> String {
    let time = Utc.timestamp_millis_opt(number.saturating_mul(DAY_MS)).single();
    time.unwrap_or_default().format("%Y-%m-%d").to_string()
}

/// One line of a report. A charge counts once, however many scopes it has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// What the line is about.
    pub group: String,
    /// What was spent.
    pub spent_micros: i64,
    /// In how many charges.
    pub calls: i64,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// Of what was spent, how much is a guess.
    pub estimated_micros: i64,
}

/// What one scope has spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Which.
    pub scope: Scope,
    /// All of it.
    pub spent_micros: i64,
    /// What of it fell into the window.
    pub recent_micros: i64,
    /// The amounts of its last charges, the newest first.
    pub last: Vec<i64>,
}

/// How a scope spends.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Micros a minute, of late.
    pub rate_micros: f64,
    /// What it will have spent, at that rate.
    pub projection_micros: i64,
    /// Whether the last charge stands out.
    pub is_spike: bool,
}

impl Pace {
    /// How it spends, by a window of so many minutes, and so many hours ahead.
    #[must_use]
    pub fn rate(&self, window_minutes: i64, hours: f64) -> Rate {
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let rate_micros = self.recent_micros as f64 / window_minutes as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a projection is an estimate")]
        let ahead = (rate_micros * 60.0 * hours).round() as i64;
        let before: Vec<i64> = self.last.iter().skip(1).rev().copied().collect();
        let is_spike = self.last.first().is_some_and(|last| is_spike(*last, &before));
        Rate { rate_micros, projection_micros: self.spent_micros.saturating_add(ahead), is_spike }
    }
}

/// Whether an amount stands out from those before it, by the modified z-score with the median absolute deviation.
#[must_use]
pub fn is_spike(amount: i64, before: &[i64]) -> bool {
    let before = &before[before.len().saturating_sub(SPIKE_WINDOW)..];
    if before.len() < SPIKE_CHARGES_MIN {
        return false;
    }
    let centre = median(before.iter().copied());
    let deviation = median(before.iter().map(|x| (x * 2 - centre).abs() / 2));
    #[expect(clippy::cast_precision_loss, reason = "a score is an estimate")]
    let (x, centre, deviation) = (amount as f64, centre as f64 / 2.0, deviation as f64 / 2.0);
    let scale = (1.4826 * deviation).max(0.1 * centre).max(1.0);
    3.0 < (x - centre) / scale
}

/// Twice the median, so that it is whole.
fn median(values: impl Iterator<Item = i64>) -> i64 {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        values[middle - 1] + values[middle]
    } else {
        values[middle] * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_rate_and_projection_hold() {
        let scope = Scope { kind: "user".to_owned(), key: "u".to_owned() };
        let (spent_micros, recent_micros, last) = (3_000_000, 3_000_000, vec![500_000; 6]);
        let rate = Pace { scope, spent_micros, recent_micros, last }.rate(5, 1.0);
        assert!((rate.rate_micros - 600_000.0).abs() < 1e-6);
        assert_eq!((rate.projection_micros, rate.is_spike), (39_000_000, false));
    }

    #[test]
    fn the_golden_spike_holds() {
        let before = [100_000; 19];
        assert!(is_spike(5_000_000, &before));
        assert!(!is_spike(110_000, &before));
        assert!(!is_spike(5_000_000, &before[..4]), "too few to compare with");
    }

    #[test]
    fn days_are_numbered_from_the_first_of_1970() {
        assert_eq!((day(0).as_str(), day(20_778).as_str()), ("1970-01-01", "2026-11-21"));
    }
}
