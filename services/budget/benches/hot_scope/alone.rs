//! One transaction a call: it locks the account, looks, and writes.

use std::sync::Arc;

use chassis::Database;

use super::Till;

const SCOPE: &str = "default/org/mesh";

struct Alone {
    database: Database,
}

pub(super) async fn till(database: &Database) -> Arc<dyn Till> {
    let sql = "INSERT INTO budget_accounts (scope, period_id, spent_micros, reserved_micros, told) \
               VALUES ($1, 'none', 0, 0, '[]')";
    sqlx::query(sql).bind(SCOPE).execute(&database.pool).await.unwrap();
    Arc::new(Alone { database: database.clone() })
}

impl Alone {
    async fn change(&self, change: &str, charge: &str, is_settled: bool) {
        let mut work = self.database.pool.begin().await.unwrap();
        let look = match self.database.engine.for_update() {
            "" => "SELECT spent_micros + reserved_micros FROM budget_accounts WHERE scope = $1",
            _ => {
                "SELECT spent_micros + reserved_micros FROM budget_accounts WHERE scope = $1 FOR UPDATE"
            }
        };
        let (used,): (i64,) = sqlx::query_as(look).bind(SCOPE).fetch_one(&mut *work).await.unwrap();
        assert!(used < i64::MAX / 2, "there is always enough");
        let sql = sqlx::AssertSqlSafe(change.to_owned());
        sqlx::query(sql).bind(charge.to_owned()).execute(&mut *work).await.unwrap();
        let balance = if is_settled {
            let sql = "INSERT INTO budget_ledger (charge, scope, tenant, charge_id, scope_type, scope_key, period_id, \
                       amount_micros, estimated, model, input_tokens, output_tokens, user_id, agent_id, timestamp_ms) \
                       VALUES ($1, $2, 'default', $1, 'org', 'mesh', 'none', 10, 0, '', 0, 0, '', '', 0)";
            let entry = sqlx::query(sql).bind(charge.to_owned()).bind(SCOPE);
            entry.execute(&mut *work).await.unwrap();
            "UPDATE budget_accounts SET reserved_micros = reserved_micros - 10, spent_micros = spent_micros + 10 \
             WHERE scope = $1"
        } else {
            "UPDATE budget_accounts SET reserved_micros = reserved_micros + 10 WHERE scope = $1"
        };
        sqlx::query(balance).bind(SCOPE).execute(&mut *work).await.unwrap();
        work.commit().await.unwrap();
    }
}

#[async_trait::async_trait]
impl Till for Alone {
    async fn pair(&self, charge: &str) {
        let reserve = "INSERT INTO budget_reservations (charge, state, expires_ms, body) \
                       VALUES ($1, 'open', 0, '{}')";
        self.change(reserve, charge, false).await;
        let settle = "UPDATE budget_reservations SET state = 'settled' WHERE charge = $1";
        self.change(settle, charge, true).await;
    }
}
