//! Where a page of the ledger ended.

use crate::account::Entry;
use crate::policy::Scope;

/// A place in the order of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When.
    pub timestamp_ms: i64,
    /// For which charge.
    pub charge_id: String,
    /// Whose money.
    pub scope: Scope,
}

impl Place {
    /// The place of an entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            timestamp_ms: entry.timestamp_ms,
            charge_id: entry.charge.id.clone(),
            scope: entry.scope.clone(),
        }
    }

    /// The place that a cursor names; none when nobody wrote it here.
    #[must_use]
    pub fn read(cursor: &str) -> Option<Self> {
        let mut parts = cursor.split('\t');
        let timestamp_ms = parts.next()?.parse().ok()?;
        let charge_id = parts.next()?.to_owned();
        let scope = Scope { kind: parts.next()?.to_owned(), key: parts.next()?.to_owned() };
        parts.next().is_none().then_some(Self { timestamp_ms, charge_id, scope })
    }

    /// The cursor that names it. Names hold no control characters, so that a tab ends them.
    #[must_use]
    pub fn write(&self) -> String {
        let Self { timestamp_ms, charge_id, scope } = self;
        format!("{timestamp_ms}\t{charge_id}\t{}\t{}", scope.kind, scope.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_its_place_and_anything_else_none() {
        let scope = Scope { kind: "user".to_owned(), key: "ann:b/c d".to_owned() };
        let place = Place { timestamp_ms: 7, charge_id: "c".to_owned(), scope };
        assert_eq!(Place::read(&place.write()), Some(place.clone()));
        let too_long = format!("{}\tmore", place.write());
        for cursor in ["", "7", "x\tc\tuser\tu", "7\tc\tuser", &too_long] {
            assert_eq!(Place::read(cursor), None, "{cursor}");
        }
    }
}
