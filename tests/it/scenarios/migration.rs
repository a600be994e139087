//! Tables are made by a command of their own too, as before a roll-out.

use chassis::{Database, testing};

use crate::program::{mesh, said};

#[tokio::test]
async fn two_migrations_at_once_and_a_third_leave_one_set_of_tables() {
    let url = testing::postgres_url().await;
    let migrate =
        async || said(mesh(&testing::folder()).env("DATABASE_URL", &url).arg("migrate")).await;
    let (first, second) = tokio::join!(migrate(), migrate());
    for done in [first, second, migrate().await] {
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(done.out.contains("up to date"), "{}", done.out);
    }
    let database = Database::postgres(&url, 1).await.unwrap();
    for table in ["sessions", "budget_accounts", "handoffs"] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let count: (i64,) =
            sqlx::query_as(sqlx::AssertSqlSafe(count)).fetch_one(&database.pool).await.unwrap();
        assert_eq!(count.0, 0, "{table} is there and empty");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    let url = "postgres://mesh@127.0.0.1:9/mesh";
    let done = said(mesh(&testing::folder()).env("DATABASE_URL", url).arg("migrate")).await;
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("cannot connect to DATABASE_URL"), "{}", done.err);
}
