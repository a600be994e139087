//! BUDGETS_FILE and PRICING_FILE.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chassis::config::micros_of;
use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_yaml::Spanned;

use crate::period;
use crate::policy::{Definition, Downgrade, ONE, Policy, Scope};
use crate::pricing::Price;

/// All that is wrong with a file, one a line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", .0.join("\n"))]
pub struct Faults(pub Vec<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    budgets: Vec<Budget>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    scope: Spanned<String>,
    limit_usd: f64,
    #[serde(default = "none")]
    period: String,
    #[serde(default)]
    policy: PolicyText,
}

fn none() -> String {
    "none".to_owned()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyText {
    soft_cap: Option<f64>,
    hard_cap: Option<f64>,
    notify_at: Vec<f64>,
    auto_downgrade: Vec<DowngradeText>,
    disable_tools: Vec<String>,
    strict_projection: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DowngradeText {
    from: Vec<String>,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pricing {
    #[serde(default)]
    prices: Vec<PriceText>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceText {
    provider: String,
    model: Spanned<String>,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    effective_from: Option<String>,
}

/// A fraction in millionths.
#[must_use]
pub fn millionths(fraction: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "fractions are within 0 to 1, and saturate"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let parts = (fraction * ONE as f64).round() as i64;
    parts
}

/// The definitions of a BUDGETS_FILE.
///
/// # Errors
/// Names everything that is wrong with it.
pub fn budgets(path: &Path) -> Result<Vec<Definition>, Faults> {
    let file: Budgets = parse(path)?;
    let mut seen = BTreeSet::new();
    let read = |budget: Budget| {
        let name = budget.scope.value.clone();
        let place = format!("{}:{}: {name}", path.display(), budget.scope.referenced.line());
        let is_new = seen.insert(name);
        let twice = (!is_new).then(|| "is defined twice".to_owned());
        let read =
            definition(budget).map_err(|faults| twice.clone().into_iter().chain(faults).collect());
        let read =
            read.and_then(|definition| twice.map_or(Ok(definition), |fault| Err(vec![fault])));
        read.map_err(|faults: Vec<String>| placed(&place, faults))
    };
    all(file.budgets.into_iter().map(read))
}

/// The prices and aliases of a PRICING_FILE.
///
/// # Errors
/// Names everything that is wrong with it.
pub fn prices(path: &Path) -> Result<(Vec<Price>, BTreeMap<String, String>), Faults> {
    let file: Pricing = parse(path)?;
    let read = |entry: PriceText| {
        let line = entry.model.referenced.line();
        let place = format!("{}:{line}: {}", path.display(), entry.model.value);
        price(entry).map_err(|faults| placed(&place, faults))
    };
    Ok((all(file.prices.into_iter().map(read))?, file.aliases))
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, Faults> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Faults(vec![format!("cannot read {shown}: {error}")]))?;
    serde_yaml::from_str(&text).map_err(|error| Faults(vec![format!("{shown}: {error}")]))
}

fn placed(place: &str, faults: Vec<String>) -> Vec<String> {
    faults.into_iter().map(|fault| format!("{place}: {fault}")).collect()
}

/// All of them, or the faults of all.
fn all<T>(read: impl Iterator<Item = Result<T, Vec<String>>>) -> Result<Vec<T>, Faults> {
    let (mut good, mut faults) = (Vec::new(), Vec::new());
    for item in read {
        match item {
            Ok(item) => good.push(item),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(good) } else { Err(Faults(faults)) }
}

fn definition(budget: Budget) -> Result<Definition, Vec<String>> {
    let scope = budget.scope.value;
    let Some((kind, key)) = scope.split_once(':') else {
        return Err(vec!["a scope is type:key".to_owned()]);
    };
    let text = budget.policy;
    let default = Policy::default();
    let definition = Definition {
        scope: Scope { kind: kind.to_owned(), key: key.to_owned() },
        limit_micros: micros(budget.limit_usd)
            .map_err(|fault| vec![format!("limit_usd: {fault}")])?,
        period: budget.period,
        policy: Policy {
            hard_cap: text.hard_cap.map_or(default.hard_cap, millionths),
            soft_cap: text.soft_cap.map_or(default.soft_cap, millionths),
            notify_at: text.notify_at.into_iter().map(millionths).collect(),
            auto_downgrade: text
                .auto_downgrade
                .into_iter()
                .map(|rule| Downgrade { from: rule.from, to: rule.to })
                .collect(),
            disable_tools: text.disable_tools,
            strict_projection: text.strict_projection,
        },
        version: 0,
    };
    let mut faults: Vec<String> = definition
        .violations()
        .into_iter()
        .map(|(field, message)| format!("{field}: {message}"))
        .collect();
    if !period::is_valid(&definition.period) {
        let period = &definition.period;
        faults.push(format!("period: '{period}' is neither a name nor a cron expression"));
    }
    if faults.is_empty() { Ok(definition) } else { Err(faults) }
}

fn price(text: PriceText) -> Result<Price, Vec<String>> {
    let mut faults = Vec::new();
    let mut amount = |field: &str, number: f64| match micros(number) {
        Ok(micros) if 0 <= micros => micros,
        Ok(_) => {
            faults.push(format!("{field}: {number} is negative"));
            0
        }
        Err(fault) => {
            faults.push(format!("{field}: {fault}"));
            0
        }
    };
    let mut price = Price {
        input: amount("input", text.input),
        output: amount("output", text.output),
        cache_read: text.cache_read.map(|number| amount("cache_read", number)),
        cache_write: text.cache_write.map(|number| amount("cache_write", number)),
        provider: text.provider,
        model: text.model.value,
        effective_from_ms: i64::MIN,
    };
    if let Some(time) = &text.effective_from {
        match DateTime::parse_from_rfc3339(time) {
            Ok(time) => price.effective_from_ms = time.timestamp_millis(),
            Err(error) => faults.push(format!("effective_from: '{time}': {error}")),
        }
    }
    if faults.is_empty() { Ok(price) } else { Err(faults) }
}

/// The shortest decimal of a number, read exactly.
fn micros(number: f64) -> Result<i64, String> {
    micros_of(&number.to_string())
        .ok_or_else(|| format!("{number} is not an amount with at most 6 decimals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> std::path::PathBuf {
        let path = chassis::testing::folder().join("file.yaml");
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn every_fault_of_a_file_of_budgets_is_named_with_its_line() {
        let path = file(
            "budgets:\n  - {scope: \"user:*\", limit_usd: 0, period: dayly}\n  - {scope: \"user:*\", limit_usd: 1}\n\
             \x20 - {scope: ada, limit_usd: 1}\n  - {scope: \"team:a\", limit_usd: 1.0000001}\n\
             \x20 - {scope: \"org:mesh\", limit_usd: 1, policy: {soft_cap: 1, hard_cap: 0.5}}\n",
        );
        let Faults(faults) = budgets(&path).unwrap_err();
        let wanted = [
            ":2: user:*: limit_usd: must be more than 0",
            ":2: user:*: period: 'dayly' is neither a name nor a cron expression",
            ":3: user:*: is defined twice",
            ":4: ada: a scope is type:key",
            ":5: team:a: limit_usd: 1.0000001 is not an amount with at most 6 decimals",
            ":6: org:mesh: policy.soft_cap: must be within 0 to hard_cap",
        ];
        assert_eq!(faults.len(), wanted.len(), "{faults:#?}");
        for (fault, end) in faults.iter().zip(wanted) {
            assert!(fault.ends_with(end), "{fault}");
        }
    }

    #[test]
    fn every_fault_of_a_file_of_prices_is_named_with_its_line() {
        let path = file(
            "prices:\n  - {provider: a, model: b, input: -1, output: 0.0000001}\n\
             \x20 - {provider: a, model: c, input: 1, output: 2, effective_from: tomorrow}\n",
        );
        let Faults(faults) = prices(&path).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:#?}");
        assert!(faults[0].ends_with(":2: b: input: -1 is negative"), "{faults:#?}");
        assert!(faults[2].contains(":3: c: effective_from: 'tomorrow'"), "{faults:#?}");
        let unknown = budgets(&file("budgets: []\nlimits: 7\n")).unwrap_err().to_string();
        assert!(unknown.contains("limits"), "{unknown}");
    }
}
