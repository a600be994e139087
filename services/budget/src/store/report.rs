//! Reading the ledger, row by row.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::names::scope_name;
use super::{Filter, Place};
use crate::Error;
use crate::account::{Charge, Entry};
use crate::policy::Scope;

#[derive(sqlx::FromRow)]
struct Row {
    tenant: String,
    charge_id: String,
    scope_type: String,
    scope_key: String,
    period_id: String,
    amount_micros: i64,
    estimated: i64,
    model: String,
    input_tokens: i64,
    output_tokens: i64,
    user_id: String,
    agent_id: String,
    timestamp_ms: i64,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            charge: Charge { tenant: row.tenant, id: row.charge_id },
            scope: Scope { kind: row.scope_type, key: row.scope_key },
            period_id: row.period_id,
            amount_micros: row.amount_micros,
            estimated: row.estimated != 0,
            model: row.model,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            user_id: row.user_id,
            agent_id: row.agent_id,
            timestamp_ms: row.timestamp_ms,
        }
    }
}

/// The conditions of a filter and the texts that they compare with.
pub(super) fn conditions(filter: &Filter) -> (Vec<String>, Vec<String>) {
    let mut conditions = vec!["tenant = $1".to_owned()];
    let mut texts = vec![filter.tenant.clone()];
    // One scope is found by its name, of which there is an index.
    let name = if filter.kind.is_empty() || filter.key.is_empty() {
        String::new()
    } else {
        scope_name(&filter.owner())
    };
    let equal = [
        ("scope", &name),
        ("scope_type", &filter.kind),
        ("scope_key", &filter.key),
        ("period_id", &filter.period_id),
        ("charge_id", &filter.charge_id),
    ];
    for (column, value) in equal.into_iter().filter(|(_, value)| !value.is_empty()) {
        texts.push(value.clone());
        conditions.push(format!("{column} = ${}", texts.len()));
    }
    // Numbers stand in the statement itself: they are numbers by type.
    conditions.extend(filter.from_ms.map(|from| format!("{from} <= timestamp_ms")));
    conditions.extend(filter.to_ms.map(|to| format!("timestamp_ms < {to}")));
    if let Some(Place { timestamp_ms: after, charge_id, scope }) = &filter.after {
        texts.extend([charge_id.clone(), scope.kind.clone(), scope.key.clone()]);
        let last = texts.len();
        conditions.push(format!(
            "(timestamp_ms, charge_id, scope_type, scope_key) > ({after}, ${}, ${}, ${last})",
            last - 2,
            last - 1
        ));
    }
    (conditions, texts)
}

pub(super) async fn entries(
    connection: &mut AnyConnection,
    filter: &Filter,
) -> Result<Vec<Entry>, Error> {
    let (conditions, texts) = conditions(filter);
    let sql = format!(
        "SELECT tenant, charge_id, scope_type, scope_key, period_id, amount_micros, estimated, model, input_tokens, \
         output_tokens, user_id, agent_id, timestamp_ms FROM budget_ledger WHERE {} \
         ORDER BY timestamp_ms, charge_id, scope_type, scope_key LIMIT {}",
        conditions.join(" AND "),
        filter.limit
    );
    let query = texts
        .into_iter()
        .fold(sqlx::query_as::<_, Row>(AssertSqlSafe(sql)), |query, text| query.bind(text));
    Ok(query.fetch_all(connection).await?.into_iter().map(Entry::from).collect())
}
