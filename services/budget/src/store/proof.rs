//! What balances are made of, added up again from the ledger and the open holds. Each page is one snapshot.

use std::collections::BTreeMap;

use chassis::{Database, Engine};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Transaction};

use super::names::{charge_of, owner_of, scope_name};
use super::{Filter, report};
use crate::Error;
use crate::account::{Account, Charge, Owner, Reservation};
use crate::proof::{Explanation, Page, Proof, Sum, Verified};

/// How many open holds are read at a time.
const HOLDS_PAGE: i64 = 1_000;
/// How many open holds an explanation lists.
const HOLDS_MAX: usize = 1_000;

/// Scope and period, by their names in the tables.
type Key = (String, String);

/// A transaction in which every statement sees the same.
pub(super) async fn snapshot(database: &Database) -> Result<Transaction<'static, Any>, Error> {
    let mut work = database.pool.begin().await?;
    if database.engine == Engine::Postgres {
        let sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
        sqlx::query(sql).execute(&mut *work).await?;
    }
    Ok(work)
}

/// Adds up a page of a tenant's accounts.
pub(super) async fn verify(database: &Database, page: &Page) -> Result<Verified, Error> {
    let prefix = format!("{}/", page.tenant);
    let from = match &page.after {
        Some((owner, period)) => (scope_name(owner), period.clone()),
        None => (prefix.clone(), String::new()),
    };
    let mut work = snapshot(database).await?;
    let mut found = accounts(&mut work, &prefix, &from, page.limit).await?;
    let accounts = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let last = found.last().filter(|_| accounts == page.limit).map(|(key, _)| key.clone());
    let mut proofs: BTreeMap<Key, Proof> = found.drain(..).collect();
    let mut entries = 0;
    for (scope, period, micros, count) in ledger(&mut work, &page.tenant, from, &last).await? {
        entries += count;
        proofs.entry((scope, period)).or_default().ledger = Sum { micros, count };
    }
    each_hold(&mut work, &prefix, |charge, held| {
        for (scope, period) in &held.scopes {
            let owner = Owner { tenant: charge.tenant.clone(), scope: scope.clone() };
            if let Some(proof) = proofs.get_mut(&(scope_name(&owner), period.clone())) {
                proof.holds.micros += held.amount_micros;
                proof.holds.count += 1;
            }
        }
    })
    .await?;
    work.rollback().await?;
    let named = |(scope, period): Key| Some((owner_of(&scope)?, period));
    let differences = proofs.into_iter().filter(|(_, proof)| !proof.adds_up());
    let differences = differences
        .filter_map(|(key, proof)| named(key).map(|(owner, period)| (owner, period, proof)))
        .collect();
    Ok(Verified { accounts, entries, differences, last: last.and_then(named) })
}

async fn accounts(
    connection: &mut AnyConnection,
    prefix: &str,
    from: &Key,
    limit: i64,
) -> Result<Vec<(Key, Proof)>, Error> {
    let sql = "SELECT scope, period_id, spent_micros, reserved_micros FROM budget_accounts \
               WHERE (scope, period_id) > ($1, $2) AND substr(scope, 1, length($3)) = $3 \
               ORDER BY scope, period_id LIMIT $4";
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(sql)
        .bind(from.0.clone())
        .bind(from.1.clone())
        .bind(prefix.to_owned())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let proof = |(scope, period, spent_micros, reserved_micros)| {
        let account = Account { spent_micros, reserved_micros, ..Account::default() };
        ((scope, period), Proof { account, ..Proof::default() })
    };
    Ok(rows.into_iter().map(proof).collect())
}

/// The sums of the ledger after one account and up to another, or to the end: also of accounts that are not there.
async fn ledger(
    connection: &mut AnyConnection,
    tenant: &str,
    from: Key,
    to: &Option<Key>,
) -> Result<Vec<(String, String, i64, i64)>, Error> {
    let end = if to.is_some() { "AND scope <= $4 AND (scope, period_id) <= ($4, $5)" } else { "" };
    let sql = format!(
        "SELECT scope, period_id, CAST(SUM(amount_micros) AS BIGINT), COUNT(*) FROM budget_ledger \
         WHERE tenant = $1 AND $2 <= scope AND ($2, $3) < (scope, period_id) {end} \
         GROUP BY scope, period_id"
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    let query = query.bind(tenant.to_owned()).bind(from.0).bind(from.1);
    let query = match to {
        Some((scope, period)) => query.bind(scope.clone()).bind(period.clone()),
        None => query,
    };
    Ok(query.fetch_all(connection).await?)
}

/// Shows every open hold of a tenant, page by page.
async fn each_hold(
    connection: &mut AnyConnection,
    prefix: &str,
    mut see: impl FnMut(Charge, Reservation) + Send,
) -> Result<(), Error> {
    let sql = "SELECT charge, body FROM budget_reservations WHERE state = 'open' AND charge > $1 \
               AND substr(charge, 1, length($2)) = $2 ORDER BY charge LIMIT $3";
    let mut after = prefix.to_owned();
    loop {
        let rows: Vec<(String, String)> = sqlx::query_as(sql)
            .bind(after)
            .bind(prefix.to_owned())
            .bind(HOLDS_PAGE)
            .fetch_all(&mut *connection)
            .await?;
        for (charge, body) in &rows {
            if let Some(charge) = charge_of(charge) {
                see(charge, serde_json::from_str(body)?);
            }
        }
        let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == HOLDS_PAGE);
        match rows.into_iter().next_back() {
            Some((last, _)) if is_full => after = last,
            _ => return Ok(()),
        }
    }
}

/// What the balance of one account is made of, with a page of its ledger. The filter names the account.
pub(super) async fn explain(database: &Database, filter: &Filter) -> Result<Explanation, Error> {
    let owner = filter.owner();
    let place = (owner.scope.clone(), filter.period_id.clone());
    let mut work = snapshot(database).await?;
    let mut proof = sums(&mut work, (scope_name(&owner), filter.period_id.clone())).await?;
    let mut holds: BTreeMap<(i64, Charge), Reservation> = BTreeMap::new();
    each_hold(&mut work, &format!("{}/", owner.tenant), |charge, held| {
        if !held.scopes.contains(&place) {
            return;
        }
        proof.holds.micros += held.amount_micros;
        proof.holds.count += 1;
        holds.insert((held.expires_ms, charge), held);
        if HOLDS_MAX < holds.len() {
            holds.pop_last();
        }
    })
    .await?;
    let entries = report::entries(&mut work, filter).await?;
    work.rollback().await?;
    let holds = holds.into_iter().map(|((_, charge), held)| (charge, held)).collect();
    Ok(Explanation { proof, entries, holds })
}

/// A balance and the sum of its ledger.
async fn sums(connection: &mut AnyConnection, key: Key) -> Result<Proof, Error> {
    let sql = "SELECT spent_micros, reserved_micros FROM budget_accounts WHERE scope = $1 AND period_id = $2";
    let account: Option<(i64, i64)> = sqlx::query_as(sql)
        .bind(key.0.clone())
        .bind(key.1.clone())
        .fetch_optional(&mut *connection)
        .await?;
    let sql = "SELECT CAST(COALESCE(SUM(amount_micros), 0) AS BIGINT), COUNT(*) FROM budget_ledger \
               WHERE scope = $1 AND period_id = $2";
    let (micros, count): (i64, i64) =
        sqlx::query_as(sql).bind(key.0).bind(key.1).fetch_one(connection).await?;
    let (spent_micros, reserved_micros) = account.unwrap_or_default();
    let account = Account { spent_micros, reserved_micros, ..Account::default() };
    Ok(Proof { account, ledger: Sum { micros, count }, holds: Sum::default() })
}
