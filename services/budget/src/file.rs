//! BUDGETS_FILE and PRICING_FILE.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use chassis::config::micros_of;
use chrono::DateTime;
use serde::Deserialize;

use crate::period;
use crate::policy::{Definition, Downgrade, ONE, Policy, Scope};
use crate::pricing::Price;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    budgets: Vec<Budget>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    scope: String,
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
    model: String,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    effective_from: Option<String>,
}

/// A fraction in millionths.
#[must_use]
pub(crate) fn millionths(fraction: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "fractions are within 0 to 1, and saturate"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let parts = (fraction * ONE as f64).round() as i64;
    parts
}

/// The shortest decimal of a number, read exactly.
fn micros(number: f64, what: &str) -> anyhow::Result<i64> {
    micros_of(&number.to_string())
        .with_context(|| format!("{what}: {number} is not an amount with at most 6 decimals"))
}

/// The definitions of a file.
pub(crate) fn budgets(path: &Path) -> anyhow::Result<Vec<Definition>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: Budgets = serde_yaml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    file.budgets
        .into_iter()
        .map(|budget| definition(budget).with_context(|| path.display().to_string()))
        .collect()
}

fn definition(budget: Budget) -> anyhow::Result<Definition> {
    let Some((kind, key)) = budget.scope.split_once(':') else {
        bail!("{}: a scope is type:key", budget.scope);
    };
    let text = budget.policy;
    let default = Policy::default();
    let definition = Definition {
        scope: Scope { kind: kind.to_owned(), key: key.to_owned() },
        limit_micros: micros(budget.limit_usd, &budget.scope)?,
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
    if !period::is_valid(&definition.period) {
        bail!(
            "{}: period '{}' is neither a name nor a cron expression",
            budget.scope,
            definition.period
        );
    }
    if let Some((field, message)) = definition.violations().first() {
        bail!("{}: {field}: {message}", budget.scope);
    }
    Ok(definition)
}

/// The prices and aliases of a file.
pub(crate) fn prices(path: &Path) -> anyhow::Result<(Vec<Price>, BTreeMap<String, String>)> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: Pricing = serde_yaml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    let entries = file
        .prices
        .into_iter()
        .map(|entry| price(entry).with_context(|| path.display().to_string()));
    Ok((entries.collect::<anyhow::Result<_>>()?, file.aliases))
}

fn price(text: PriceText) -> anyhow::Result<Price> {
    let amount = |number: f64| {
        let micros = micros(number, &text.model)?;
        anyhow::ensure!(0 <= micros, "{}: {number} is negative", text.model);
        Ok(micros)
    };
    let effective_from_ms = match &text.effective_from {
        Some(time) => DateTime::parse_from_rfc3339(time)
            .with_context(|| format!("{}: {time}", text.model))?
            .timestamp_millis(),
        None => i64::MIN,
    };
    Ok(Price {
        input: amount(text.input)?,
        output: amount(text.output)?,
        cache_read: text.cache_read.map(amount).transpose()?,
        cache_write: text.cache_write.map(amount).transpose()?,
        provider: text.provider.clone(),
        model: text.model.clone(),
        effective_from_ms,
    })
}
