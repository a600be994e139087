//! The tables on SQLite. What is read has one JSON list for its keys, so that the text never changes and is prepared
//! once; what a batch writes goes over the writer of the file, one row after the other.

use chassis::database::Pen;
use rusqlite::{Connection, ErrorCode, params};
use sqlx::AnyConnection;

use super::found::{Found, FoundDefinition};
use super::names::{charge_name, scope_name};
use super::rows::{AccountRow, ChargeRow, DefinitionRow, EntryRow, EventRow, ResetRow, Rows};
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

const HEAD: &str =
    "UPDATE budget_head SET seq = seq + 1, definitions = ?2, events = ?3 WHERE seq = ?1";

const ACCOUNT: &str = "\
    INSERT INTO budget_accounts (scope, period_id, spent_micros, reserved_micros, told, state) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (scope, period_id) DO UPDATE SET spent_micros = excluded.spent_micros, \
        reserved_micros = excluded.reserved_micros, told = excluded.told, state = excluded.state";

const MADE: &str = "\
    INSERT INTO budget_reservations (charge, state, expires_ms, actual_micros, estimated, body) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const ENDED: &str = "\
    UPDATE budget_reservations SET state = ?2, actual_micros = ?3, estimated = ?4 WHERE charge = ?1";

const ENTRY: &str = "\
    INSERT INTO budget_ledger (charge, scope, tenant, charge_id, scope_type, scope_key, period_id, amount_micros, \
        estimated, model, input_tokens, output_tokens, user_id, agent_id, timestamp_ms) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

const EVENT: &str = "\
    INSERT INTO budget_events (id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const REMOVED: &str = "\
    DELETE FROM budget_definitions WHERE tenant = ?1 AND scope_type = ?2 AND scope_key = ?3";

const DEFINED: &str = "\
    INSERT INTO budget_definitions (tenant, scope_type, scope_key, limit_micros, period, policy, version) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
    ON CONFLICT (tenant, scope_type, scope_key) DO UPDATE SET limit_micros = excluded.limit_micros, \
        period = excluded.period, policy = excluded.policy, version = excluded.version";

const RESET: &str = "\
    INSERT INTO budget_scopes (scope, resets) VALUES (?1, ?2) \
    ON CONFLICT (scope) DO UPDATE SET resets = excluded.resets";

/// Where the head is.
pub(super) async fn head(connection: &mut AnyConnection) -> Result<Head, sqlx::Error> {
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
pub(super) async fn write(pen: &Pen, step: Step, rows: Rows) -> Result<bool, Error> {
    Ok(pen.write(move |file| write_rows(file, step, rows)).await?)
}

fn write_rows(file: &Connection, step: Step, rows: Rows) -> rusqlite::Result<bool> {
    let mut head = file.prepare_cached(HEAD)?;
    if head.execute(params![step.from.seq, step.to.definitions, step.to.events])? != 1 {
        return Ok(false);
    }
    let mut write = file.prepare_cached(ACCOUNT)?;
    for AccountRow { scope, period_id, spent_micros, reserved_micros, told, state } in rows.accounts
    {
        write.execute(params![scope, period_id, spent_micros, reserved_micros, told, state])?;
    }
    if !write_charges(file, rows.made, rows.ended)? {
        return Ok(false);
    }
    write_entries(file, rows.entries)?;
    let mut write = file.prepare_cached(EVENT)?;
    for row in rows.events {
        let EventRow { id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms } =
            row;
        write.execute(params![
            id,
            kind,
            tenant,
            scope_type,
            scope_key,
            period_id,
            payload,
            timestamp_ms
        ])?;
    }
    write_rules(file, rows.definitions, rows.resets)?;
    Ok(true)
}

/// False when a new charge was there already.
fn write_charges(
    file: &Connection,
    made: Vec<ChargeRow>,
    ended: Vec<ChargeRow>,
) -> rusqlite::Result<bool> {
    let mut write = file.prepare_cached(MADE)?;
    for ChargeRow { charge, state, expires_ms, actual_micros, estimated, body } in made {
        let row = params![charge, state, expires_ms, actual_micros, estimated, body];
        match write.execute(row) {
            Ok(_) => {}
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    let mut write = file.prepare_cached(ENDED)?;
    for ChargeRow { charge, state, actual_micros, estimated, .. } in ended {
        write.execute(params![charge, state, actual_micros, estimated])?;
    }
    Ok(true)
}

fn write_entries(file: &Connection, entries: Vec<EntryRow>) -> rusqlite::Result<()> {
    let mut write = file.prepare_cached(ENTRY)?;
    for row in entries {
        write.execute(params![
            row.charge,
            row.scope,
            row.tenant,
            row.charge_id,
            row.scope_type,
            row.scope_key,
            row.period_id,
            row.amount_micros,
            row.estimated,
            row.model,
            row.input_tokens,
            row.output_tokens,
            row.user_id,
            row.agent_id,
            row.timestamp_ms
        ])?;
    }
    Ok(())
}

fn write_rules(
    file: &Connection,
    definitions: Vec<DefinitionRow>,
    resets: Vec<ResetRow>,
) -> rusqlite::Result<()> {
    for row in definitions {
        let DefinitionRow { tenant, scope_type, scope_key, limit_micros, period, policy, version } =
            row;
        if limit_micros.is_none() {
            let mut remove = file.prepare_cached(REMOVED)?;
            remove.execute(params![tenant, scope_type, scope_key])?;
            continue;
        }
        let mut write = file.prepare_cached(DEFINED)?;
        write.execute(params![
            tenant,
            scope_type,
            scope_key,
            limit_micros,
            period,
            policy,
            version
        ])?;
    }
    let mut write = file.prepare_cached(RESET)?;
    for ResetRow { scope, resets } in resets {
        write.execute(params![scope, resets])?;
    }
    Ok(())
}
