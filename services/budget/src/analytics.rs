//! What was spent, by whom and on what, how fast, and whether a charge stands out.

use std::collections::BTreeMap;

use chrono::{TimeZone as _, Utc};

use crate::account::Entry;
use crate::policy::Scope;

const MINUTE_MS: i64 = 60_000;
/// How many charges before it a charge is compared with.
const SPIKE_WINDOW: usize = 20;
/// How many of them there must be.
const SPIKE_CHARGES_MIN: usize = 5;

/// One line of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
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

/// How a scope spends.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// What it spent.
    pub spent_micros: i64,
    /// Micros a minute, of late.
    pub rate_micros: f64,
    /// What it will have spent, at that rate.
    pub projection_micros: i64,
    /// Whether the last charge stands out.
    pub is_spike: bool,
}

/// The name of the line that an entry belongs to.
#[must_use]
pub fn group_of(entry: &Entry, group_by: &str) -> String {
    match group_by {
        "scope" => format!("{}:{}", entry.scope.kind, entry.scope.key),
        "user" => entry.user_id.clone(),
        "agent" => entry.agent_id.clone(),
        "model" => entry.model.clone(),
        _ => {
            let time = Utc.timestamp_millis_opt(entry.timestamp_ms).single().unwrap_or_default();
            time.format("%Y-%m-%d").to_string()
        }
    }
}

/// Groups entries. A charge has one entry a scope; unless scopes are what is grouped, only one of them counts.
#[must_use]
pub fn rows(entries: &[Entry], group_by: &str) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        if group_by != "scope" && !seen.insert(&entry.charge) {
            continue;
        }
        let row = rows.entry(group_of(entry, group_by)).or_default();
        row.spent_micros += entry.amount_micros;
        row.calls += 1;
        row.input_tokens += entry.input_tokens;
        row.output_tokens += entry.output_tokens;
        row.estimated_micros += if entry.estimated { entry.amount_micros } else { 0 };
    }
    rows
}

/// How each scope spends; entries come in the order of time.
#[must_use]
pub fn rates(
    entries: &[Entry],
    now_ms: i64,
    window_minutes: i64,
    hours: f64,
) -> BTreeMap<Scope, Rate> {
    let mut by_scope: BTreeMap<Scope, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        by_scope.entry(entry.scope.clone()).or_default().push(entry);
    }
    let rate = |entries: Vec<&Entry>| {
        let spent_micros: i64 = entries.iter().map(|entry| entry.amount_micros).sum();
        let since = now_ms - window_minutes * MINUTE_MS;
        let recent: i64 =
            entries.iter().filter(|e| since < e.timestamp_ms).map(|e| e.amount_micros).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let rate_micros = recent as f64 / window_minutes as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a projection is an estimate")]
        let ahead = (rate_micros * 60.0 * hours).round() as i64;
        let amounts: Vec<i64> = entries.iter().map(|entry| entry.amount_micros).collect();
        let is_spike = amounts.split_last().is_some_and(|(last, before)| is_spike(*last, before));
        Rate { spent_micros, rate_micros, projection_micros: spent_micros + ahead, is_spike }
    };
    by_scope.into_iter().map(|(scope, entries)| (scope, rate(entries))).collect()
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
    use crate::account::Charge;

    fn entry(amount_micros: i64, timestamp_ms: i64) -> Entry {
        Entry {
            charge: Charge { tenant: "t".to_owned(), id: timestamp_ms.to_string() },
            scope: Scope { kind: "user".to_owned(), key: "u".to_owned() },
            period_id: "none".to_owned(),
            amount_micros,
            estimated: false,
            model: "m".to_owned(),
            input_tokens: 1,
            output_tokens: 2,
            user_id: "u".to_owned(),
            agent_id: "a".to_owned(),
            timestamp_ms,
        }
    }

    #[test]
    fn the_golden_rate_and_projection_hold() {
        let entries: Vec<_> = (0..6).map(|at| entry(500_000, 1_000 + at)).collect();
        let rates = rates(&entries, 2_000, 5, 1.0);
        let rate = rates.values().next().unwrap();
        assert!((rate.rate_micros - 600_000.0).abs() < 1e-6);
        assert_eq!((rate.spent_micros, rate.projection_micros), (3_000_000, 39_000_000));
    }

    #[test]
    fn the_golden_spike_holds() {
        let before = [100_000; 19];
        assert!(is_spike(5_000_000, &before));
        assert!(!is_spike(110_000, &before));
        assert!(!is_spike(5_000_000, &before[..4]), "too few to compare with");
    }

    #[test]
    fn a_charge_counts_once_however_many_scopes_it_has() {
        let mut of_org = entry(10, 5);
        of_org.scope.kind = "org".to_owned();
        let entries = [entry(10, 5), of_org];
        assert_eq!(rows(&entries, "agent")["a"].spent_micros, 10);
        assert_eq!(rows(&entries, "scope").len(), 2);
        assert_eq!(rows(&entries, "day").keys().next().unwrap(), "1970-01-01");
    }
}
