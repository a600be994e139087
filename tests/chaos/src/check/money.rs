//! What was spent is what the ledger says, and what the agents billed.

use std::collections::BTreeMap;

use super::Violation;
use crate::evidence::{Charged, Evidence};

const SUM: &str = "spent is the sum of the ledger";
const BILL: &str = "a bill is paid once, as billed";
const GUESS: &str = "what nobody knows is charged as reserved";

/// What the ledger says of one charge.
#[derive(Debug)]
struct Paid {
    amounts: Vec<i64>,
    is_estimated: bool,
}

pub(super) async fn check(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let ledger = evidence.ledger().await?;
    let mut found = sums(evidence, &ledger).await?;
    let mut paid: BTreeMap<&str, Paid> = BTreeMap::new();
    for row in &ledger {
        let is_estimated = row.estimated != 0;
        let new = || Paid { amounts: Vec::new(), is_estimated };
        let entry = paid.entry(&row.charge_id).or_insert_with(new);
        entry.amounts.push(row.amount_micros);
        if entry.is_estimated != is_estimated || entry.amounts[0] != row.amount_micros {
            let what = format!("{}: scopes disagree: {entry:?}", row.charge_id);
            found.push(Violation::of(SUM, what));
        }
    }
    let reserved = reserved(evidence).await?;
    for (charge_id, bill) in &evidence.bills {
        let Some(paid) = paid.get(charge_id.as_str()) else {
            found.push(Violation::of(BILL, format!("{charge_id}: {bill:?} is not paid")));
            continue;
        };
        if !paid.is_estimated && bill.micros != Some(paid.amounts[0]) {
            found.push(Violation::of(BILL, format!("{charge_id}: {bill:?}, paid {paid:?}")));
        }
    }
    for (charge_id, paid) in &paid {
        let held = reserved.get(*charge_id);
        if paid.is_estimated && held != Some(&paid.amounts[0]) {
            let what = format!("{charge_id}: reserved {held:?}, charged {paid:?}");
            found.push(Violation::of(GUESS, what));
        }
        if !paid.is_estimated && !evidence.bills.contains_key(*charge_id) {
            let what = format!("{charge_id}: nobody billed it, and it is charged {paid:?}");
            found.push(Violation::of(BILL, what));
        }
    }
    Ok(found)
}

async fn sums(evidence: &Evidence, ledger: &[Charged]) -> anyhow::Result<Vec<Violation>> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for row in ledger {
        *sums.entry(&row.scope).or_default() += row.amount_micros;
    }
    let sql = "SELECT scope, spent_micros, reserved_micros FROM budget_accounts";
    let accounts: Vec<(String, i64, i64)> =
        sqlx::query_as(sql).fetch_all(&evidence.database.pool).await?;
    let mut found = Vec::new();
    for (scope, spent, reserved) in &accounts {
        let sum = sums.remove(scope.as_str()).unwrap_or_default();
        if sum != *spent || *reserved != 0 {
            let what = format!("{scope}: spent {spent}, reserved {reserved}, ledger {sum}");
            found.push(Violation::of(SUM, what));
        }
    }
    let orphans = sums.into_keys().map(|scope| Violation::of(SUM, format!("{scope}: no account")));
    found.extend(orphans);
    Ok(found)
}

/// What was held for each charge.
async fn reserved(evidence: &Evidence) -> anyhow::Result<BTreeMap<String, i64>> {
    let sql = "SELECT charge, body FROM budget_reservations";
    let rows: Vec<(String, String)> =
        sqlx::query_as(sql).fetch_all(&evidence.database.pool).await?;
    let mut held = BTreeMap::new();
    for (charge, body) in rows {
        let body: serde_json::Value = serde_json::from_str(&body)?;
        let charge_id = charge.split_once('/').map_or(charge.as_str(), |(_, id)| id);
        held.insert(charge_id.to_owned(), body["amount_micros"].as_i64().unwrap_or_default());
    }
    Ok(held)
}
