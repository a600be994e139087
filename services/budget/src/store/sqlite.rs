//! The tables on SQLite: each statement has one JSON list for its rows, so that its text never changes and is prepared once.

use serde::Serialize;
use sqlx::AnyConnection;

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

const ACCOUNTS: &str = "\
    INSERT INTO budget_accounts (scope, period_id, spent_micros, reserved_micros, told, state) \
    SELECT value ->> 'scope', value ->> 'period_id', value ->> 'spent_micros', value ->> 'reserved_micros', \
        value ->> 'told', value ->> 'state' FROM json_each($1) WHERE true \
    ON CONFLICT (scope, period_id) DO UPDATE SET spent_micros = excluded.spent_micros, \
        reserved_micros = excluded.reserved_micros, told = excluded.told, state = excluded.state";

const MADE: &str = "\
    INSERT INTO budget_reservations (charge, state, expires_ms, actual_micros, estimated, body) \
    SELECT value ->> 'charge', value ->> 'state', value ->> 'expires_ms', value ->> 'actual_micros', \
        value ->> 'estimated', value ->> 'body' FROM json_each($1)";

const ENDED: &str = "\
    UPDATE budget_reservations SET state = now.value ->> 'state', actual_micros = now.value ->> 'actual_micros', \
        estimated = now.value ->> 'estimated' FROM json_each($1) AS now WHERE charge = now.value ->> 'charge'";

const ENTRIES: &str = "\
    INSERT INTO budget_ledger (charge, scope, tenant, charge_id, scope_type, scope_key, period_id, amount_micros, \
        estimated, model, input_tokens, output_tokens, user_id, agent_id, timestamp_ms) \
    SELECT value ->> 'charge', value ->> 'scope', value ->> 'tenant', value ->> 'charge_id', value ->> 'scope_type', \
        value ->> 'scope_key', value ->> 'period_id', value ->> 'amount_micros', value ->> 'estimated', \
        value ->> 'model', value ->> 'input_tokens', value ->> 'output_tokens', value ->> 'user_id', \
        value ->> 'agent_id', value ->> 'timestamp_ms' FROM json_each($1)";

const EVENTS: &str = "\
    INSERT INTO budget_events (id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms) \
    SELECT value ->> 'id', value ->> 'kind', value ->> 'tenant', value ->> 'scope_type', value ->> 'scope_key', \
        value ->> 'period_id', value ->> 'payload', value ->> 'timestamp_ms' FROM json_each($1)";

/// Where the head is. Who has the connection is alone.
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
pub(super) async fn write(
    connection: &mut AnyConnection,
    step: Step,
    rows: &Rows,
) -> Result<bool, Error> {
    let sql = "UPDATE budget_head SET seq = seq + 1, definitions = $2, events = $3 WHERE seq = $1";
    let moved = sqlx::query(sql)
        .bind(step.from.seq)
        .bind(step.to.definitions)
        .bind(step.to.events)
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    write_all(connection, ACCOUNTS, &rows.accounts).await?;
    write_all(connection, MADE, &rows.made).await?;
    write_all(connection, ENDED, &rows.ended).await?;
    write_all(connection, ENTRIES, &rows.entries).await?;
    write_all(connection, EVENTS, &rows.events).await?;
    write_rules(connection, rows).await?;
    Ok(true)
}

async fn write_all<R: Serialize>(
    connection: &mut AnyConnection,
    sql: &'static str,
    rows: &[R],
) -> Result<(), Error> {
    if !rows.is_empty() {
        let rows = serde_json::to_string(rows)?;
        sqlx::query(sql).bind(rows).execute(connection).await?;
    }
    Ok(())
}

/// Definitions and resets change rarely and one at a time.
async fn write_rules(connection: &mut AnyConnection, rows: &Rows) -> Result<(), Error> {
    for row in &rows.definitions {
        let names = [row.tenant.clone(), row.scope_type.clone(), row.scope_key.clone()];
        let sql = match row.limit_micros {
            None => super::DELETE_DEFINITION,
            Some(_) => super::PUT_DEFINITION,
        };
        let query = names.into_iter().fold(sqlx::query(sql), |query, name| query.bind(name));
        let query = match row.limit_micros {
            None => query,
            Some(limit) => query
                .bind(limit)
                .bind(row.period.clone())
                .bind(row.policy.clone())
                .bind(row.version),
        };
        query.execute(&mut *connection).await?;
    }
    for row in &rows.resets {
        let query = sqlx::query(super::PUT_RESETS).bind(row.scope.clone()).bind(row.resets);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
