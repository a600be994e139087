//! What must hold at every commit, read from the tables themselves in one snapshot.

use std::collections::BTreeMap;

use chassis::{Database, Engine};
use serde_json::Value;

/// What is spent and reserved, by scope (`type/key`) and period.
pub(crate) type Standing = BTreeMap<(String, String), (i64, i64)>;

/// Adds everything up again: spent is the sum of the ledger, reserved the sum of the open reservations.
pub(crate) async fn audit(database: &Database, tenant: &str) -> Standing {
    let mut work = database.pool.begin().await.unwrap();
    if database.engine == Engine::Postgres {
        let snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
        sqlx::query(snapshot).execute(&mut *work).await.unwrap();
    }
    let prefix = format!("{tenant}/");
    let sql = "SELECT scope, period_id, spent_micros, reserved_micros FROM budget_accounts \
               WHERE scope LIKE $1";
    let accounts: Vec<(String, String, i64, i64)> =
        sqlx::query_as(sql).bind(format!("{prefix}%")).fetch_all(&mut *work).await.unwrap();
    let sql = "SELECT scope, period_id, CAST(SUM(amount_micros) AS BIGINT) FROM budget_ledger \
               WHERE tenant = $1 GROUP BY scope, period_id";
    let ledger: Vec<(String, String, i64)> =
        sqlx::query_as(sql).bind(tenant.to_owned()).fetch_all(&mut *work).await.unwrap();
    let sql = "SELECT body FROM budget_reservations WHERE state = 'open' AND charge LIKE $1";
    let open: Vec<(String,)> =
        sqlx::query_as(sql).bind(format!("{prefix}%")).fetch_all(&mut *work).await.unwrap();
    work.rollback().await.unwrap();

    let short = |scope: &str| scope.trim_start_matches(&prefix).to_owned();
    let mut expected = Standing::new();
    for (scope, period, spent) in ledger {
        expected.entry((short(&scope), period)).or_default().0 += spent;
    }
    for (body,) in open {
        let body: Value = serde_json::from_str(&body).unwrap();
        for place in body["scopes"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let scope = format!("{}/{}", text(&place[0]["kind"]), text(&place[0]["key"]));
            let amount = body["amount_micros"].as_i64().unwrap();
            expected.entry((scope, text(&place[1]))).or_default().1 += amount;
        }
    }
    let stored: Standing = accounts
        .into_iter()
        .map(|(scope, period, spent, reserved)| ((short(&scope), period), (spent, reserved)))
        .collect();
    let nothing = |standing: &Standing| -> Standing {
        standing
            .iter()
            .filter(|(_, money)| **money != (0, 0))
            .map(|(k, v)| (k.clone(), *v))
            .collect()
    };
    assert_eq!(nothing(&stored), nothing(&expected), "balances and what they are made of differ");
    stored
}

/// Where a charge stands.
pub(crate) async fn state_of(database: &Database, tenant: &str, charge: &str) -> String {
    let sql = "SELECT state FROM budget_reservations WHERE charge = $1";
    let query = sqlx::query_as(sql).bind(format!("{tenant}/{charge}"));
    let (state,): (String,) = query.fetch_one(&database.pool).await.unwrap();
    state
}
