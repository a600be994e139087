//! A definition as it travels.

use std::path::Path;

use budget::file;
use budget::policy::{Definition, Downgrade, ONE, Policy, Scope};
use proto::v1::{self, BudgetDefinition, BudgetPolicy, DowngradeRule};

/// What a definition says when nothing is said.
pub(super) fn fresh() -> BudgetDefinition {
    BudgetDefinition {
        period: "none".to_owned(),
        policy: Some(policy(Policy::default())),
        ..BudgetDefinition::default()
    }
}

/// The definitions of a file like BUDGETS_FILE.
pub(super) fn of_file(path: &Path) -> anyhow::Result<Vec<BudgetDefinition>> {
    Ok(file::budgets(path)?.into_iter().map(wire).collect())
}

/// Where calls under a definition stop.
pub(super) fn cap_micros(definition: &BudgetDefinition) -> i64 {
    let hard_cap = definition.policy.as_ref().map_or(1.0, |policy| policy.hard_cap);
    let scope = definition.scope.clone().unwrap_or_default();
    let definition = Definition {
        scope: Scope { kind: scope.r#type, key: scope.key },
        limit_micros: definition.limit_micros,
        period: definition.period.clone(),
        policy: Policy { hard_cap: file::millionths(hard_cap), ..Policy::default() },
        version: definition.version,
    };
    definition.cap_micros()
}

fn wire(definition: Definition) -> BudgetDefinition {
    let Scope { kind, key } = definition.scope;
    BudgetDefinition {
        scope: Some(v1::Scope { r#type: kind, key }),
        limit_micros: definition.limit_micros,
        period: definition.period,
        policy: Some(policy(definition.policy)),
        version: definition.version,
    }
}

fn policy(policy: Policy) -> BudgetPolicy {
    #[expect(clippy::cast_precision_loss, reason = "parts are at most a million millionths")]
    let part = |millionths: i64| millionths as f64 / ONE as f64;
    let rule = |rule: Downgrade| DowngradeRule { from: rule.from, to: rule.to };
    BudgetPolicy {
        soft_cap: part(policy.soft_cap),
        hard_cap: part(policy.hard_cap),
        notify_at: policy.notify_at.into_iter().map(part).collect(),
        auto_downgrade: policy.auto_downgrade.into_iter().map(rule).collect(),
        disable_tools: policy.disable_tools,
        strict_projection: policy.strict_projection,
    }
}
