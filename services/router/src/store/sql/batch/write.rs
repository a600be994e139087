//! A batch is written all of it or nothing: to a server with one statement, to an embedded file over its writer.

use chassis::database::Pen;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::rows::{Rows, Sheet};
use super::statement::{GUARDED, PARTS, SINGLE};
use super::{Scribe, Spoiled};

impl Scribe {
    pub(super) async fn write_sheet(
        &self,
        connection: Option<&mut PoolConnection<Any>>,
        sheet: &Sheet<'_>,
    ) -> Result<(), Spoiled> {
        let parts: [_; PARTS] = [
            sheet.made(),
            sheet.moved(),
            sheet.begun(),
            sheet.marked(),
            sheet.said(),
            sheet.states(),
            sheet.switches(),
            sheet.owed(),
            sheet.closed(),
            sheet.dropped(),
        ];
        let parts = parts.into_iter().enumerate().filter(|(_, rows)| 0 < rows.count());
        match (self.database.pen(), connection) {
            (Some(pen), _) => write_rows(pen, parts).await,
            (None, Some(connection)) => self.write_at_once(connection, parts.collect()).await,
            (None, None) => unreachable!("on a server a batch is read over a connection"),
        }
    }

    async fn write_at_once(
        &self,
        connection: &mut AnyConnection,
        parts: Vec<(usize, Rows<'_>)>,
    ) -> Result<(), Spoiled> {
        let numbers: Vec<usize> = parts.iter().map(|(at, _)| at + 1).collect();
        let text = self.write.of(&numbers);
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (at, rows) in parts {
            query = query.bind(rows.json());
            if at < GUARDED {
                query = query.bind(i64::try_from(rows.count()).unwrap_or(i64::MAX));
            }
        }
        query.execute(connection).await?;
        Ok(())
    }
}

async fn write_rows(
    pen: &Pen,
    parts: impl Iterator<Item = (usize, Rows<'_>)>,
) -> Result<(), Spoiled> {
    let parts: Vec<_> = parts.map(|(at, rows)| (at, rows.values())).collect();
    let written = pen.write(move |file| {
        for (at, rows) in parts {
            if !write_part(file, at, rows)? {
                return Ok(false);
            }
        }
        Ok(true)
    });
    if written.await? { Ok(()) } else { Err(Spoiled::Overtaken) }
}

/// Writes the rows of a part; false when something was no longer as the batch took it to be.
fn write_part(file: &Connection, at: usize, rows: Vec<Vec<Value>>) -> rusqlite::Result<bool> {
    let mut statement = file.prepare_cached(&SINGLE[at])?;
    for row in rows {
        match statement.execute(params_from_iter(row)) {
            Ok(1) => {}
            Ok(_) if GUARDED <= at => {}
            Ok(_) => return Ok(false),
            // It is there already.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
