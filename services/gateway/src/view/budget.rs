use proto::v1::{BudgetView, ReportResponse, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::some;
use crate::money::Usd;
use crate::openapi::word;
use crate::time::Time;

/// A budget: its definition and, for an exact key, its account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Budget {
    scope: String,
    limit_usd: Usd,
    period: String,
    policy: Policy,
    version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyInForce)]
struct Policy {
    soft_cap: f64,
    hard_cap: f64,
    notify_at: Vec<f64>,
    auto_downgrade: Vec<Rule>,
    disable_tools: Vec<String>,
    strict_projection: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Downgrade)]
struct Rule {
    from: Vec<String>,
    to: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Account {
    period_id: String,
    spent_usd: Usd,
    reserved_usd: Usd,
    remaining_usd: Usd,
    #[schema(value_type = word::AccountState)]
    state: String,
}

fn name(scope: Option<Scope>) -> String {
    scope.map(|scope| format!("{}:{}", scope.r#type, scope.key)).unwrap_or_default()
}

impl Budget {
    /// A budget; nothing when it has no definition.
    #[must_use]
    pub fn of(view: BudgetView) -> Option<Self> {
        let definition = view.definition?;
        let policy = definition.policy.unwrap_or_default();
        let rules = policy.auto_downgrade.into_iter();
        let account = view.account.map(|account| Account {
            period_id: account.period_id,
            spent_usd: Usd(account.spent_micros),
            reserved_usd: Usd(account.reserved_micros),
            remaining_usd: Usd(account.remaining_micros),
            state: account.state,
        });
        Some(Self {
            scope: name(definition.scope),
            limit_usd: Usd(definition.limit_micros),
            period: definition.period,
            policy: Policy {
                soft_cap: policy.soft_cap,
                hard_cap: policy.hard_cap,
                notify_at: policy.notify_at,
                auto_downgrade: rules.map(|rule| Rule { from: rule.from, to: rule.to }).collect(),
                disable_tools: policy.disable_tools,
                strict_projection: policy.strict_projection,
            },
            version: definition.version,
            account,
        })
    }
}

/// What the budget says to a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetDecision)]
pub struct Decision {
    allowed: bool,
    #[schema(value_type = word::BudgetAction)]
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    disabled_tools: Vec<String>,
    reserved_micros: i64,
    reserved_usd: Usd,
    estimate_usd: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    scopes: Vec<ScopeState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScopeState {
    #[schema(value_type = word::ScopeType)]
    r#type: String,
    key: String,
    limit_usd: Usd,
    spent_usd: Usd,
    reserved_usd: Usd,
    remaining_usd: Usd,
    remaining_after_usd: Usd,
    #[schema(value_type = word::AccountState)]
    state: String,
}

impl Decision {
    /// A decision as it is shown.
    #[must_use]
    pub fn of(decision: proto::v1::Decision) -> Self {
        let scope = |state: proto::v1::ScopeState| {
            let Scope { r#type, key } = state.scope.unwrap_or_default();
            ScopeState {
                r#type,
                key,
                limit_usd: Usd(state.limit_micros),
                spent_usd: Usd(state.spent_micros),
                reserved_usd: Usd(state.reserved_micros),
                remaining_usd: Usd(state.remaining_micros),
                remaining_after_usd: Usd(state.remaining_after_micros),
                state: state.state,
            }
        };
        Self {
            allowed: decision.allowed,
            action: decision.action,
            model: some(decision.model),
            disabled_tools: decision.disabled_tools,
            reserved_micros: decision.reserved_micros,
            reserved_usd: Usd(decision.reserved_micros),
            estimate_usd: Usd(decision.estimate_micros),
            warning: some(decision.warning),
            reason: some(decision.reason),
            scopes: decision.scopes.into_iter().map(scope).collect(),
            reset_at: decision.reset_at_ms.map(Time),
        }
    }
}

/// What was spent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spend)]
pub struct Report {
    rows: Vec<Row>,
    scopes: Vec<Rate>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendRow)]
struct Row {
    group: String,
    spent_usd: Usd,
    calls: i64,
    input_tokens: i64,
    output_tokens: i64,
    estimated_share: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpendRate)]
struct Rate {
    scope: String,
    spent_usd: Usd,
    rate_usd_per_minute: Usd,
    projection_usd: Usd,
    spike: bool,
}

impl Report {
    /// A report as it is shown.
    #[must_use]
    pub fn of(report: ReportResponse) -> Self {
        let row = |row: proto::v1::ReportRow| Row {
            group: row.group,
            spent_usd: Usd(row.spent_micros),
            calls: row.calls,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            estimated_share: row.estimated_share,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a rate is shown in whole micros")]
        let rate = |rate: proto::v1::ScopeRate| Rate {
            scope: name(rate.scope),
            spent_usd: Usd(rate.spent_micros),
            rate_usd_per_minute: Usd(rate.rate_micros.round() as i64),
            projection_usd: Usd(rate.projection_micros),
            spike: rate.spike,
        };
        let rows = report.rows.into_iter().map(row).collect();
        Self { rows, scopes: report.scopes.into_iter().map(rate).collect() }
    }
}
