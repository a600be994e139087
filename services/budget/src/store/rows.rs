//! Statements that do many rows at once, in chunks that both engines take.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Executor as _};

/// How many values a statement may carry: SQLite takes 32 766.
const VALUES_MAX: usize = 30_000;

/// A value of a row.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

type Statement<'q> = Query<'q, Any, AnyArguments>;

fn bind<'q>(statement: Statement<'q>, value: &Value) -> Statement<'q> {
    match value {
        Value::Text(text) => statement.bind(text.clone()),
        Value::Number(number) => statement.bind(*number),
    }
}

/// Runs `before (…), (…) after` over all rows; gives how many were written.
pub(super) async fn write(
    connection: &mut AnyConnection,
    before: &str,
    rows: &[Vec<Value>],
    after: &str,
) -> Result<u64, sqlx::Error> {
    let Some(width) = rows.first().map(Vec::len) else { return Ok(0) };
    let mut written = 0;
    for chunk in rows.chunks(VALUES_MAX / width) {
        let values: Vec<String> = (0..chunk.len())
            .map(|row| {
                let places: Vec<String> =
                    (1..=width).map(|column| format!("${}", row * width + column)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let sql = format!("{before} {} {after}", values.join(", "));
        let statement = chunk.iter().flatten().fold(sqlx::query(AssertSqlSafe(sql)), bind);
        written += connection.execute(statement).await?.rows_affected();
    }
    Ok(written)
}

/// The rows whose column is one of the keys: `select … WHERE column IN (…) after`.
pub(super) async fn read(
    connection: &mut AnyConnection,
    select: &str,
    keys: &[String],
    after: &str,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let mut rows = Vec::new();
    for chunk in keys.chunks(VALUES_MAX) {
        let places: Vec<String> = (1..=chunk.len()).map(|place| format!("${place}")).collect();
        let sql = format!("{select} IN ({}) {after}", places.join(", "));
        let statement = chunk
            .iter()
            .fold(sqlx::query(AssertSqlSafe(sql)), |query, key| query.bind(key.clone()));
        rows.append(&mut connection.fetch_all(statement).await?);
    }
    Ok(rows)
}

/// The accounts of these scopes in these periods.
pub(super) async fn read_pairs(
    connection: &mut AnyConnection,
    scopes: &[String],
    periods: &[String],
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let mut rows = Vec::new();
    for chunk in scopes.chunks(VALUES_MAX / 2) {
        let places = |from: usize, count: usize| {
            let places: Vec<String> =
                (from..from + count).map(|place| format!("${place}")).collect();
            places.join(", ")
        };
        let sql = format!(
            "SELECT scope, period_id, spent_micros, reserved_micros, told FROM budget_accounts \
             WHERE scope IN ({}) AND period_id IN ({})",
            places(1, chunk.len()),
            places(1 + chunk.len(), periods.len())
        );
        let keys = chunk.iter().chain(periods);
        let statement =
            keys.fold(sqlx::query(AssertSqlSafe(sql)), |query, key| query.bind(key.clone()));
        rows.append(&mut connection.fetch_all(statement).await?);
    }
    Ok(rows)
}
