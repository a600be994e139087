//! A batch is written with one statement: all of it or nothing.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::rows::{Rows, Sheet};
use super::{Scribe, Spoiled};

impl Scribe {
    pub(super) async fn write_sheet(
        &self,
        connection: &mut AnyConnection,
        sheet: &Sheet<'_>,
    ) -> Result<(), Spoiled> {
        let guarded = [sheet.made(), sheet.moved(), sheet.begun(), sheet.marked()];
        let counts = guarded.each_ref().map(|rows| rows.count);
        let others = [
            sheet.said(),
            sheet.states(),
            sheet.switches(),
            sheet.owed(),
            sheet.closed(),
            sheet.dropped(),
        ];
        let mut query = sqlx::query(AssertSqlSafe(self.write.clone()));
        for Rows { json, .. } in guarded.into_iter().chain(others) {
            query = query.bind(json);
        }
        for count in counts {
            query = query.bind(count);
        }
        let written = query.execute(&mut *connection).await;
        if let Err(error) = written {
            if self.database.is_embedded() {
                // Nothing is open when the list failed at its beginning.
                let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            }
            return Err(error.into());
        }
        Ok(())
    }
}
