//! What was spent, added up by the database: however long the ledger is, only groups come back.

use sqlx::{AnyConnection, AssertSqlSafe, FromRow};

use super::report::conditions;
use super::{Filter, Spend, Spent};
use crate::Error;
use crate::analytics::{self, CHARGES, Group, Pace, Row};
use crate::policy::Scope;

/// The most lines of a report.
const GROUPS_MAX: usize = 10_000;
/// The most scopes whose pace it tells.
const SCOPES_MAX: usize = 200;

#[derive(FromRow)]
struct Line {
    name: String,
    spent: i64,
    calls: i64,
    input: i64,
    output: i64,
    estimated: i64,
}

pub(super) async fn spend(connection: &mut AnyConnection, asked: &Spend) -> Result<Spent, Error> {
    let mut rows = rows(connection, asked).await?;
    let mut paces = paces(connection, asked).await?;
    let is_partial = GROUPS_MAX < rows.len() || SCOPES_MAX < paces.len();
    rows.truncate(GROUPS_MAX);
    paces.truncate(SCOPES_MAX);
    for pace in &mut paces {
        pace.last = last(connection, &asked.filter, &pace.scope).await?;
    }
    rows.sort_by(|one, other| one.group.cmp(&other.group));
    paces.sort_by(|one, other| one.scope.cmp(&other.scope));
    Ok(Spent { rows, paces, is_partial })
}

/// The lines with the highest spend, and one more if there are more than a report has.
async fn rows(connection: &mut AnyConnection, asked: &Spend) -> Result<Vec<Row>, Error> {
    let (conditions, texts) = conditions(&asked.filter);
    let conditions = conditions.join(" AND ");
    let group = match asked.group {
        // A whole number of days, in both engines.
        Group::Day => "CAST(timestamp_ms / 86400000 AS TEXT)",
        Group::Scope => "scope_type || ':' || scope_key",
        Group::User => "user_id",
        Group::Agent => "agent_id",
        Group::Model => "model",
    };
    let is_one_scope = !asked.filter.kind.is_empty() && !asked.filter.key.is_empty();
    let from = if asked.group == Group::Scope || is_one_scope {
        format!("budget_ledger WHERE {conditions}")
    } else {
        // A charge has a row for each of its scopes, which differ in nothing else.
        format!(
            "(SELECT DISTINCT charge, timestamp_ms, user_id, agent_id, model, amount_micros, estimated, input_tokens, \
             output_tokens FROM budget_ledger WHERE {conditions}) AS charges"
        )
    };
    let sql = format!(
        "SELECT {group} AS name, CAST(SUM(amount_micros) AS BIGINT) AS spent, COUNT(*) AS calls, \
         CAST(SUM(input_tokens) AS BIGINT) AS input, CAST(SUM(output_tokens) AS BIGINT) AS output, \
         CAST(SUM(CASE WHEN estimated = 0 THEN 0 ELSE amount_micros END) AS BIGINT) AS estimated \
         FROM {from} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {}",
        GROUPS_MAX + 1
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    let query = texts.into_iter().fold(query, |query, text| query.bind(text));
    let lines: Vec<Line> = query.fetch_all(connection).await?;
    let row = |line: Line| Row {
        group: match asked.group {
            Group::Day => analytics::day(line.name.parse().unwrap_or_default()),
            _ => line.name,
        },
        spent_micros: line.spent,
        calls: line.calls,
        input_tokens: line.input,
        output_tokens: line.output,
        estimated_micros: line.estimated,
    };
    Ok(lines.into_iter().map(row).collect())
}

/// The scopes with the highest spend, and one more if there are more than are told.
async fn paces(connection: &mut AnyConnection, asked: &Spend) -> Result<Vec<Pace>, Error> {
    let (conditions, texts) = conditions(&asked.filter);
    let sql = format!(
        "SELECT scope_type, scope_key, CAST(SUM(amount_micros) AS BIGINT), \
         CAST(SUM(CASE WHEN {} < timestamp_ms THEN amount_micros ELSE 0 END) AS BIGINT) \
         FROM budget_ledger WHERE {} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {}",
        asked.since_ms,
        conditions.join(" AND "),
        SCOPES_MAX + 1
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    let query = texts.into_iter().fold(query, |query, text| query.bind(text));
    let rows: Vec<(String, String, i64, i64)> = query.fetch_all(connection).await?;
    let pace = |(kind, key, spent_micros, recent_micros)| {
        let scope = Scope { kind, key };
        Pace { scope, spent_micros, recent_micros, last: Vec::new() }
    };
    Ok(rows.into_iter().map(pace).collect())
}

/// The amounts of the last charges of a scope, the newest first.
async fn last(
    connection: &mut AnyConnection,
    filter: &Filter,
    scope: &Scope,
) -> Result<Vec<i64>, Error> {
    let (kind, key) = (scope.kind.clone(), scope.key.clone());
    let (conditions, texts) = conditions(&Filter { kind, key, ..filter.clone() });
    let sql = format!(
        "SELECT amount_micros FROM budget_ledger WHERE {} \
         ORDER BY timestamp_ms DESC, charge_id DESC LIMIT {CHARGES}",
        conditions.join(" AND ")
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    let query = texts.into_iter().fold(query, |query, text| query.bind(text));
    let amounts: Vec<(i64,)> = query.fetch_all(connection).await?;
    Ok(amounts.into_iter().map(|(amount,)| amount).collect())
}
