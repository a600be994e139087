//! The sheet of a batch: read under locks, folded, written back.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, Row as _};

use super::names::{charge_name, scope_name};
use super::rows::{self, Value};
use super::sql::definition_of;
use crate::Error;
use crate::account::{Account, Charge, Entry, Owner, Reservation};
use crate::event::Mark;
use crate::fold::Sheet;
use crate::operation::Operation;

/// Reads what the operations need. With `lock`, reservations first and scopes second, each in order, so that two batches
/// cannot wait for each other.
pub(super) async fn load(
    connection: &mut AnyConnection,
    operations: &[Operation],
    lock: &str,
    now_ms: i64,
) -> Result<Sheet, Error> {
    let mut sheet = Sheet::default();
    let charges: BTreeMap<String, &Charge> = operations
        .iter()
        .map(|operation| (charge_name(operation.charge()), operation.charge()))
        .collect();
    let names: Vec<String> = charges.keys().cloned().collect();
    let select = "SELECT charge, body FROM budget_reservations WHERE charge";
    for row in rows::read(connection, select, &names, &format!("ORDER BY charge{lock}")).await? {
        let (name, body): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let reservation: Reservation = serde_json::from_str(&body)?;
        sheet.reservations.insert(charges[&name].clone(), reservation);
    }
    let owners = owners(operations, &sheet);
    let periods = load_scopes(connection, &owners, lock, &mut sheet, now_ms).await?;
    load_accounts(connection, &owners, &periods, &mut sheet).await?;
    Ok(sheet)
}

fn owners(operations: &[Operation], sheet: &Sheet) -> BTreeMap<String, Owner> {
    let mut owners = BTreeMap::new();
    for operation in operations {
        let charge = operation.charge();
        let held = sheet.reservations.get(charge);
        let held = held.into_iter().flat_map(|held| held.scopes.iter().map(|(scope, _)| scope));
        for scope in operation.scopes().iter().chain(held) {
            let owner = Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
            owners.insert(scope_name(&owner), owner);
        }
    }
    owners
}

async fn load_scopes(
    connection: &mut AnyConnection,
    owners: &BTreeMap<String, Owner>,
    lock: &str,
    sheet: &mut Sheet,
    now_ms: i64,
) -> Result<BTreeSet<(String, String)>, Error> {
    let names: Vec<String> = owners.keys().cloned().collect();
    let fresh: Vec<Vec<Value>> =
        names.iter().map(|name| vec![name.as_str().into(), 0.into()]).collect();
    let insert = "INSERT INTO budget_scopes (scope, resets) VALUES";
    rows::write(connection, insert, &fresh, "ON CONFLICT DO NOTHING").await?;
    let select = "SELECT scope, resets FROM budget_scopes WHERE scope";
    for row in rows::read(connection, select, &names, &format!("ORDER BY scope{lock}")).await? {
        let (name, resets): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        sheet.resets.insert(owners[&name].clone(), resets);
    }
    let tenants: BTreeSet<String> = owners.values().map(|owner| owner.tenant.clone()).collect();
    let tenants: Vec<String> = tenants.into_iter().collect();
    let select = "SELECT tenant, scope_type, scope_key, limit_micros, period, policy, version FROM budget_definitions \
                  WHERE tenant";
    for row in rows::read(connection, select, &tenants, "").await? {
        let tenant: String = row.try_get(0)?;
        let definition = definition_of(&row)?;
        sheet.definitions.insert(Owner { tenant, scope: definition.scope.clone() }, definition);
    }
    let present = owners.iter().map(|(name, owner)| (name.clone(), sheet.period(owner, now_ms).id));
    Ok(present.collect())
}

async fn load_accounts(
    connection: &mut AnyConnection,
    owners: &BTreeMap<String, Owner>,
    present: &BTreeSet<(String, String)>,
    sheet: &mut Sheet,
) -> Result<(), Error> {
    let mut wanted = present.clone();
    for (charge, held) in &sheet.reservations {
        for (scope, period_id) in &held.scopes {
            let owner = Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
            wanted.insert((scope_name(&owner), period_id.clone()));
        }
    }
    let scopes: BTreeSet<String> = wanted.iter().map(|(scope, _)| scope.clone()).collect();
    let periods: BTreeSet<String> = wanted.iter().map(|(_, period)| period.clone()).collect();
    let (scopes, periods): (Vec<String>, Vec<String>) =
        (scopes.into_iter().collect(), periods.into_iter().collect());
    for row in rows::read_pairs(connection, &scopes, &periods).await? {
        let (scope, period_id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let told: String = row.try_get(4)?;
        let account = Account {
            spent_micros: row.try_get(2)?,
            reserved_micros: row.try_get(3)?,
            told: serde_json::from_str::<BTreeSet<Mark>>(&told)?,
        };
        sheet.accounts.insert((owners[&scope].clone(), period_id), account);
    }
    Ok(())
}

/// Whether one of these charges is there by now.
pub(super) async fn exists_any(
    connection: &mut AnyConnection,
    charges: &[Charge],
) -> Result<bool, Error> {
    let names: Vec<String> = charges.iter().map(charge_name).collect();
    let rows =
        rows::read(connection, "SELECT charge FROM budget_reservations WHERE charge", &names, "")
            .await?;
    Ok(!rows.is_empty())
}

/// Writes what the fold has changed.
pub(super) async fn save(connection: &mut AnyConnection, sheet: &Sheet) -> Result<(), Error> {
    save_reservations(connection, sheet).await?;
    let accounts = sheet.moved.iter().map(|key| {
        let account = &sheet.accounts[key];
        let told = serde_json::to_string(&account.told)?;
        let (owner, period_id) = key;
        Ok(vec![
            scope_name(owner).into(),
            period_id.as_str().into(),
            account.spent_micros.into(),
            account.reserved_micros.into(),
            told.into(),
        ])
    });
    let accounts = accounts.collect::<Result<Vec<_>, Error>>()?;
    rows::write(
        connection,
        "INSERT INTO budget_accounts (scope, period_id, spent_micros, reserved_micros, told) VALUES",
        &accounts,
        "ON CONFLICT (scope, period_id) DO UPDATE SET spent_micros = excluded.spent_micros, \
         reserved_micros = excluded.reserved_micros, told = excluded.told",
    )
    .await?;
    let entries: Vec<_> = sheet.entries.iter().map(entry_row).collect();
    rows::write(
        connection,
        "INSERT INTO budget_ledger (charge, scope, tenant, charge_id, scope_type, scope_key, period_id, amount_micros, \
         estimated, model, input_tokens, output_tokens, user_id, agent_id, timestamp_ms) VALUES",
        &entries,
        "",
    )
    .await?;
    save_events(connection, sheet).await
}

async fn save_reservations(connection: &mut AnyConnection, sheet: &Sheet) -> Result<(), Error> {
    let reservations = sheet.touched.iter().map(|charge| {
        let held = &sheet.reservations[charge];
        let body = serde_json::to_string(held)?;
        Ok(vec![
            charge_name(charge).into(),
            held.state.name().into(),
            held.expires_ms.into(),
            body.into(),
        ])
    });
    let reservations = reservations.collect::<Result<Vec<_>, Error>>()?;
    rows::write(
        connection,
        "INSERT INTO budget_reservations (charge, state, expires_ms, body) VALUES",
        &reservations,
        "ON CONFLICT (charge) DO UPDATE SET state = excluded.state, expires_ms = excluded.expires_ms, \
         body = excluded.body",
    )
    .await?;
    Ok(())
}

fn entry_row(entry: &Entry) -> Vec<Value> {
    let owner = Owner { tenant: entry.charge.tenant.clone(), scope: entry.scope.clone() };
    vec![
        charge_name(&entry.charge).into(),
        scope_name(&owner).into(),
        entry.charge.tenant.as_str().into(),
        entry.charge.id.as_str().into(),
        entry.scope.kind.as_str().into(),
        entry.scope.key.as_str().into(),
        entry.period_id.as_str().into(),
        entry.amount_micros.into(),
        i64::from(entry.estimated).into(),
        entry.model.as_str().into(),
        entry.input_tokens.into(),
        entry.output_tokens.into(),
        entry.user_id.as_str().into(),
        entry.agent_id.as_str().into(),
        entry.timestamp_ms.into(),
    ]
}

/// Events take their numbers under a lock that lasts until the commit, so that numbers and commits have one order.
pub(super) async fn save_events(
    connection: &mut AnyConnection,
    sheet: &Sheet,
) -> Result<(), Error> {
    let count = i64::try_from(sheet.events.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(());
    }
    let sql = "UPDATE budget_counters SET value = value + $1 WHERE name = 'events' RETURNING value";
    let (last,): (i64,) = sqlx::query_as(sql).bind(count).fetch_one(&mut *connection).await?;
    let events: Vec<Vec<Value>> = (last - count + 1..)
        .zip(&sheet.events)
        .map(|(id, event)| {
            vec![
                id.into(),
                event.kind.into(),
                event.owner.tenant.as_str().into(),
                event.owner.scope.kind.as_str().into(),
                event.owner.scope.key.as_str().into(),
                event.period_id.as_str().into(),
                event.payload.as_str().into(),
                event.timestamp_ms.into(),
            ]
        })
        .collect();
    let insert = "INSERT INTO budget_events (id, kind, tenant, scope_type, scope_key, period_id, payload, \
                  timestamp_ms) VALUES";
    rows::write(connection, insert, &events, "").await?;
    Ok(())
}
