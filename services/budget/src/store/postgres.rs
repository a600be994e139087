//! The tables on Postgres: whatever the size of a batch, one statement reads what it needs and one writes what it changes,
//! each with arrays for its rows, so that both are prepared once.

use std::str::FromStr as _;
use std::time::Duration;

use chassis::Database;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};
use tracing::log::LevelFilter;

use super::found::{Found, FoundDefinition};
use super::names::{charge_name, scope_name};
use super::rows::{ChargeRow, Rows};
use super::{Head, Step};
use crate::fold::Need;

/// The writer, and who looks meanwhile.
const CONNECTIONS: u32 = 3;
const ACQUIRE_LIMIT: Duration = Duration::from_secs(5);
/// Plans are made once, on tables that may still be empty, and kept while these grow: every way but an index is wrong.
const OPTIONS: [(&str, &str); 6] = [
    ("statement_timeout", "10000"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

const READ: &str = "\
    SELECT 0::bigint AS kind, charge AS name, '' AS period_id, state, body AS text, \
        expires_ms AS first, actual_micros AS second, estimated AS third \
    FROM budget_reservations WHERE charge = ANY($1) \
    UNION ALL \
    SELECT 1, scope, '', '', '', resets, 0, 0 FROM budget_scopes WHERE scope = ANY($2) \
    UNION ALL \
    SELECT 2, scope, period_id, state, told, spent_micros, reserved_micros, 0 \
    FROM unnest($3::text[], $4::text[]) AS wanted (scope, period_id) \
    JOIN budget_accounts USING (scope, period_id)";

/// Nothing is written unless the head is still where it was, and then all of it is.
const WRITE: &str = "\
    WITH head AS ( \
        UPDATE budget_head SET seq = seq + 1, definitions = $2, events = $3 WHERE seq = $1 RETURNING seq \
    ), accounts AS ( \
        INSERT INTO budget_accounts (scope, period_id, spent_micros, reserved_micros, told, state) \
        SELECT * FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[]) \
        WHERE EXISTS (SELECT FROM head) \
        ON CONFLICT (scope, period_id) DO UPDATE SET spent_micros = excluded.spent_micros, \
            reserved_micros = excluded.reserved_micros, told = excluded.told, state = excluded.state \
    ), made AS ( \
        INSERT INTO budget_reservations (charge, state, expires_ms, actual_micros, estimated, body) \
        SELECT * FROM unnest($10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[]) \
        WHERE EXISTS (SELECT FROM head) \
    ), ended AS ( \
        UPDATE budget_reservations AS held \
        SET state = now.state, actual_micros = now.actual_micros, estimated = now.estimated \
        FROM unnest($16::text[], $17::text[], $18::bigint[], $19::bigint[]) \
            AS now (charge, state, actual_micros, estimated) \
        WHERE held.charge = now.charge AND EXISTS (SELECT FROM head) \
    ), entries AS ( \
        INSERT INTO budget_ledger (charge, scope, tenant, charge_id, scope_type, scope_key, period_id, amount_micros, \
            estimated, model, input_tokens, output_tokens, user_id, agent_id, timestamp_ms) \
        SELECT * FROM unnest($20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], \
            $27::bigint[], $28::bigint[], $29::text[], $30::bigint[], $31::bigint[], $32::text[], $33::text[], \
            $34::bigint[]) \
        WHERE EXISTS (SELECT FROM head) \
    ), events AS ( \
        INSERT INTO budget_events (id, kind, tenant, scope_type, scope_key, period_id, payload, timestamp_ms) \
        SELECT * FROM unnest($35::bigint[], $36::text[], $37::text[], $38::text[], $39::text[], $40::text[], \
            $41::text[], $42::bigint[]) \
        WHERE EXISTS (SELECT FROM head) \
    ) \
    SELECT seq FROM head";

const PUT_DEFINITION: &str = "\
    INSERT INTO budget_definitions (tenant, scope_type, scope_key, limit_micros, period, policy, version) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, scope_type, scope_key) DO UPDATE \
    SET limit_micros = excluded.limit_micros, period = excluded.period, policy = excluded.policy, \
        version = excluded.version";
const DELETE_DEFINITION: &str =
    "DELETE FROM budget_definitions WHERE tenant = $1 AND scope_type = $2 AND scope_key = $3";
const PUT_RESETS: &str = "\
    INSERT INTO budget_scopes (scope, resets) VALUES ($1, $2) \
    ON CONFLICT (scope) DO UPDATE SET resets = excluded.resets";

/// Connections of its own, made when they are needed.
pub(super) fn pool(database: &Database) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(database.url())?
        .options(OPTIONS)
        .log_statements(LevelFilter::Off)
        .log_slow_statements(LevelFilter::Warn, Duration::from_secs(1));
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_LIMIT)
        // A connection that was lost is noticed by the batch, which then goes the long way.
        .test_before_acquire(false);
    Ok(pool.connect_lazy_with(options))
}

/// Where the head is; until the end of the transaction nobody else can move it.
pub(super) async fn lock(connection: &mut PgConnection) -> Result<Head, sqlx::Error> {
    let sql = "SELECT seq, definitions, events FROM budget_head FOR UPDATE";
    sqlx::query_as(sql).fetch_one(connection).await
}

pub(super) async fn read(
    connection: &mut PgConnection,
    need: &Need,
) -> Result<Vec<Found>, sqlx::Error> {
    let (scopes, periods): (Vec<_>, Vec<_>) =
        need.accounts.iter().map(|(owner, period)| (scope_name(owner), period)).unzip();
    sqlx::query_as(READ)
        .bind(need.charges.iter().map(charge_name).collect::<Vec<_>>())
        .bind(need.scopes.iter().map(scope_name).collect::<Vec<_>>())
        .bind(scopes)
        .bind(periods)
        .fetch_all(connection)
        .await
}

pub(super) async fn definitions(
    connection: &mut PgConnection,
    need: &Need,
) -> Result<Vec<FoundDefinition>, sqlx::Error> {
    let sql = "SELECT tenant, scope_type, scope_key, limit_micros, period, policy, version FROM budget_definitions \
               WHERE tenant = ANY($1)";
    let tenants: Vec<&String> = need.tenants.iter().collect();
    sqlx::query_as(sql).bind(tenants).fetch_all(connection).await
}

/// Writes a batch, and tells whether the head was where the step begins. The answer comes after the commit, if the
/// connection is in no transaction.
pub(super) async fn write(
    connection: &mut PgConnection,
    step: Step,
    rows: &Rows,
) -> Result<bool, sqlx::Error> {
    write_rules(connection, rows).await?;
    let Rows { accounts, made, ended, entries, events, .. } = rows;
    let query = sqlx::query_as(WRITE).bind(step.from.seq).bind(step.to.definitions);
    let query = query.bind(step.to.events);
    let query = query
        .bind(column(accounts, |row| row.scope.as_str()))
        .bind(column(accounts, |row| row.period_id.as_str()))
        .bind(column(accounts, |row| row.spent_micros))
        .bind(column(accounts, |row| row.reserved_micros))
        .bind(column(accounts, |row| row.told.as_str()))
        .bind(column(accounts, |row| row.state.as_str()));
    let query = query
        .bind(column(made, |row| row.charge.as_str()))
        .bind(column(made, |row| row.state))
        .bind(column(made, |row| row.expires_ms))
        .bind(column(made, |row| row.actual_micros))
        .bind(column(made, |row| row.estimated))
        .bind(column(made, |row| row.body.as_str()));
    let query = query
        .bind(column(ended, |row: &ChargeRow| row.charge.as_str()))
        .bind(column(ended, |row| row.state))
        .bind(column(ended, |row| row.actual_micros))
        .bind(column(ended, |row| row.estimated));
    let query = query
        .bind(column(entries, |row| row.charge.as_str()))
        .bind(column(entries, |row| row.scope.as_str()))
        .bind(column(entries, |row| row.tenant.as_str()))
        .bind(column(entries, |row| row.charge_id.as_str()))
        .bind(column(entries, |row| row.scope_type.as_str()))
        .bind(column(entries, |row| row.scope_key.as_str()))
        .bind(column(entries, |row| row.period_id.as_str()))
        .bind(column(entries, |row| row.amount_micros))
        .bind(column(entries, |row| row.estimated))
        .bind(column(entries, |row| row.model.as_str()))
        .bind(column(entries, |row| row.input_tokens))
        .bind(column(entries, |row| row.output_tokens))
        .bind(column(entries, |row| row.user_id.as_str()))
        .bind(column(entries, |row| row.agent_id.as_str()))
        .bind(column(entries, |row| row.timestamp_ms));
    let query = query
        .bind(column(events, |row| row.id))
        .bind(column(events, |row| row.kind))
        .bind(column(events, |row| row.tenant.as_str()))
        .bind(column(events, |row| row.scope_type.as_str()))
        .bind(column(events, |row| row.scope_key.as_str()))
        .bind(column(events, |row| row.period_id.as_str()))
        .bind(column(events, |row| row.payload.as_str()))
        .bind(column(events, |row| row.timestamp_ms));
    // To the end of the answer, which is where the commit is.
    let moved: Vec<(i64,)> = query.fetch_all(connection).await?;
    Ok(!moved.is_empty())
}

fn column<'a, R, V>(rows: &'a [R], value: impl Fn(&'a R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// Definitions and resets change rarely and one at a time.
async fn write_rules(connection: &mut PgConnection, rows: &Rows) -> Result<(), sqlx::Error> {
    for row in &rows.definitions {
        let query = match row.limit_micros {
            None => sqlx::query(DELETE_DEFINITION),
            Some(_) => sqlx::query(PUT_DEFINITION),
        };
        let query = query.bind(&row.tenant).bind(&row.scope_type).bind(&row.scope_key);
        let query = match row.limit_micros {
            None => query,
            Some(limit) => query.bind(limit).bind(&row.period).bind(&row.policy).bind(row.version),
        };
        query.execute(&mut *connection).await?;
    }
    for row in &rows.resets {
        let query = sqlx::query(PUT_RESETS).bind(&row.scope).bind(row.resets);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
