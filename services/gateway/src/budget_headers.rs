//! What the headers of a response say of the tightest budget.

use http::{HeaderMap, HeaderName, HeaderValue};
use proto::v1::BudgetHeaders;

use crate::money::Usd;

/// Writes the headers of a budget. A value that a header cannot carry is left out.
pub(crate) fn write(budget: &BudgetHeaders, headers: &mut HeaderMap) {
    let scope = budget.scope.as_ref().map(|scope| format!("{}:{}", scope.r#type, scope.key));
    let usd = |micros: i64| Some(Usd(micros).to_string());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let values = [
        ("x-budget-scope", scope),
        ("x-budget-limit", usd(budget.limit_micros)),
        ("x-budget-spent", usd(budget.spent_micros)),
        ("x-budget-remaining", usd(budget.remaining_micros)),
        ("x-budget-status", text(&budget.status)),
        ("x-budget-suggested-model", text(&budget.suggested_model)),
        ("x-budget-tools-disabled", text(&budget.tools_disabled.join(","))),
        ("x-budget-warning", text(&budget.warning)),
    ];
    for (name, value) in values {
        let value = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
