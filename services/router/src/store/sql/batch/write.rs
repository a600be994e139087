//! A batch is written with one statement: all of it or nothing.

use sqlx::AssertSqlSafe;

use super::connection::Connection;
use super::rows::{Rows, Sheet};
use super::statement::GUARDED;
use super::{Scribe, Spoiled};

impl Scribe {
    pub(super) async fn write_sheet(
        &self,
        connection: &mut Connection,
        sheet: &Sheet<'_>,
    ) -> Result<(), Spoiled> {
        let parts = [
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
        let parts: Vec<_> =
            parts.into_iter().enumerate().filter(|(_, rows)| 0 < rows.count).collect();
        let numbers: Vec<usize> = parts.iter().map(|(at, _)| at + 1).collect();
        let text = self.write.of(&numbers);
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (at, Rows { json, count }) in parts {
            query = query.bind(json);
            if at < GUARDED {
                query = query.bind(count);
            }
        }
        Ok(connection.commit(query).await?)
    }
}
