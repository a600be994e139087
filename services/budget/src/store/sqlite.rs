//! The tables on SQLite: each statement has one JSON list for its rows, so that its text never changes and is prepared
//! once. What a batch writes is sent as one list of statements.

use chassis::database::Held;
use serde::Serialize;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::found::{Found, FoundDefinition};
use super::names::{charge_name, scope_name};
use super::rows::Rows;
use super::{Head, Step};
use crate::Error;
use crate::fold::Need;

const READ: &str = "\
    SELECT 0 AS kind, charge AS name, '' AS period_id, state, body AS text, \
        expires_ms AS first, actual_micros AS second, estimated AS third \
    FROM budget_reservations WHERE charge IN (SELECT value FROM json_each($1)) \
    UNION ALL \
    SELECT 1, scope, '', '', '', resets, 0, 0 FROM budget_scopes WHERE scope IN (SELECT value FROM json_each($2)) \
    UNION ALL \
    SELECT 2, scope, period_id, state, told, spent_micros, reserved_micros, 0 FROM json_each($3) AS wanted \
    JOIN budget_accounts ON scope = wanted.value ->> 0 AND period_id = wanted.value ->> 1";

/// Nothing that follows is written unless the head is still where it was: what is not JSON is an error.
const HEAD: &str = "\
    UPDATE budget_head SET seq = seq + 1, definitions = $2, events = $3 WHERE seq = $1;\n\
    SELECT json(iif(changes() = 1, '1', '!'))";

const ACCOUNTS: &str = "\
    INSERT INTO budget_accounts (scope, period_id, spent_micros, reserved_micros, told, state) \
    SELECT value ->> 'scope', value ->> 'period_id', value ->> 'spent_micros', value ->> 'reserved_micros', \
        value ->> 'told', value ->> 'state' FROM json_each($rows) WHERE true \
    ON CONFLICT (scope, period_id) DO UPDATE SET spent_micros = excluded.spent_micros, \
        reserved_micros = excluded.reserved_micros, told = excluded.told, state = excluded.state";

const MADE: &str = "\
    INSERT INTO budget_reservations (charge, state, expires_ms, actual_micros, estimated, body) \
    SELECT value ->> 'charge', value ->> 'state', value ->> 'expires_ms', value ->> 'actual_micros', \
        value ->> 'estimated', value ->> 'body' FROM json_each($rows)";

const ENDED: &str = "\
    UPDATE budget_reservations SET state = now.value ->> 'state', actual_micros = now.value ->> 'actual_micros', \
        estimated = now.value ->> 'estimated' FROM json_each($rows) AS now WHERE charge = now.value ->> 'charge'";

const ENTRIES: &str = "\
    INSERT INTO budget_ledger (charge, scope, tenant, charge_id, scope_type, scope_key, period_id, amount_micros, \
        estimated, model, input_tokens, output_tokens, user_id, agent_id, timestamp_ms) \
    SELECT value ->> 'charge', value ->> 'scope', value ->> 'tenant', value ->> 'charge_id', value ->> 'scope_type', \
        value ->> 'scope_key', value ->> 'period_id', value ->> 'amount_micros', value ->> 'estimated', \
        value ->> 'model', value ->> 'input_tokens', value ->> 'output_tokens', value ->> 'user_id', \
        value ->> 'agent_id', value ->> 'timestamp_ms' FROM json_each($rows)";

const EVENTS: &str = "\
    INSERT INTO budget_events (id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms) \
    SELECT value ->> 'id', value ->> 'kind', value ->> 'tenant', value ->> 'scope_type', value ->> 'scope_key', \
        value ->> 'period_id', value ->> 'payload', value ->> 'timestamp_ms' FROM json_each($rows)";

const REMOVED: &str = "\
    DELETE FROM budget_definitions WHERE (tenant, scope_type, scope_key) IN \
        (SELECT value ->> 'tenant', value ->> 'scope_type', value ->> 'scope_key' FROM json_each($rows) \
         WHERE value ->> 'limit_micros' IS NULL)";

const DEFINED: &str = "\
    INSERT INTO budget_definitions (tenant, scope_type, scope_key, limit_micros, period, policy, version) \
    SELECT value ->> 'tenant', value ->> 'scope_type', value ->> 'scope_key', value ->> 'limit_micros', \
        value ->> 'period', value ->> 'policy', value ->> 'version' FROM json_each($rows) \
    WHERE value ->> 'limit_micros' IS NOT NULL \
    ON CONFLICT (tenant, scope_type, scope_key) DO UPDATE SET limit_micros = excluded.limit_micros, \
        period = excluded.period, policy = excluded.policy, version = excluded.version";

const RESET: &str = "\
    INSERT INTO budget_scopes (scope, resets) SELECT value ->> 'scope', value ->> 'resets' FROM json_each($rows) \
    WHERE true ON CONFLICT (scope) DO UPDATE SET resets = excluded.resets";

/// The number of the first parameter that has rows.
const PARTS_FROM: usize = 4;

/// Where the head is. Who holds the connection is alone.
pub(super) async fn lock(connection: &mut AnyConnection) -> Result<Head, sqlx::Error> {
    let sql = "SELECT seq, definitions, events FROM budget_head";
    sqlx::query_as(sql).fetch_one(connection).await
}

pub(super) async fn read(connection: &mut AnyConnection, need: &Need) -> Result<Vec<Found>, Error> {
    let charges: Vec<_> = need.charges.iter().map(charge_name).collect();
    let scopes: Vec<_> = need.scopes.iter().map(scope_name).collect();
    let accounts: Vec<_> =
        need.accounts.iter().map(|(owner, period)| (scope_name(owner), period)).collect();
    let query = sqlx::query_as(READ)
        .bind(serde_json::to_string(&charges)?)
        .bind(serde_json::to_string(&scopes)?)
        .bind(serde_json::to_string(&accounts)?);
    Ok(query.fetch_all(connection).await?)
}

pub(super) async fn definitions(
    connection: &mut AnyConnection,
    need: &Need,
) -> Result<Vec<FoundDefinition>, Error> {
    let sql = "SELECT tenant, scope_type, scope_key, limit_micros, period, policy, version FROM budget_definitions \
               WHERE tenant IN (SELECT value FROM json_each($1))";
    let tenants = serde_json::to_string(&need.tenants)?;
    Ok(sqlx::query_as(sql).bind(tenants).fetch_all(connection).await?)
}

/// Writes a batch, and tells whether the head was where the step begins; if it was not, nothing is written.
pub(super) async fn write(held: &mut Held, step: Step, rows: &Rows) -> Result<bool, Error> {
    let parts = [
        part(ACCOUNTS, &rows.accounts)?,
        part(MADE, &rows.made)?,
        part(ENDED, &rows.ended)?,
        part(ENTRIES, &rows.entries)?,
        part(EVENTS, &rows.events)?,
        part(REMOVED, &rows.definitions)?,
        part(DEFINED, &rows.definitions)?,
        part(RESET, &rows.resets)?,
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let mut list = format!("BEGIN IMMEDIATE;\n{HEAD};\n");
    for (at, (sql, _)) in parts.iter().enumerate() {
        list.push_str(&sql.replace("$rows", &format!("${}", at + PARTS_FROM)));
        list.push_str(";\n");
    }
    list.push_str("COMMIT");
    let query = sqlx::query(AssertSqlSafe(list))
        .bind(step.from.seq)
        .bind(step.to.definitions)
        .bind(step.to.events);
    let query = parts.into_iter().fold(query, |query, (_, rows)| query.bind(rows));
    match held.all_or_nothing(query).await {
        Ok(()) => Ok(true),
        // A charge was there already, or the head was elsewhere.
        Err(sqlx::Error::Database(error))
            if error.is_unique_violation() || error.message().contains("JSON") =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// A statement with its rows, unless there are none.
fn part<R: Serialize>(
    sql: &'static str,
    rows: &[R],
) -> Result<Option<(&'static str, String)>, Error> {
    Ok(if rows.is_empty() { None } else { Some((sql, serde_json::to_string(rows)?)) })
}
