//! What may be spent, and from when on it is counted anew.

use std::sync::Arc;

use super::Sheet;
use crate::account::Owner;
use crate::event::{Event, Mark};
use crate::operation::{Answer, Put, Refusal};
use crate::policy::Definition;

impl Sheet {
    /// Stores a definition. What it makes of the account of its own key is told at once; a definition of a whole type
    /// is told of each account when that is next used.
    pub(super) fn put(&mut self, put: &Put, now_ms: i64) -> Result<Answer, Refusal> {
        let Put { owner, definition, create_only } = put;
        let stored = self.definitions.get(owner);
        if *create_only && stored.is_some() {
            return Err(Refusal::Exists(owner.scope.clone()));
        }
        let version = stored.map_or(1, |stored| stored.version + 1);
        let definition = Arc::new(Definition { version, ..definition.clone() });
        self.definitions.insert(owner.clone(), definition.clone());
        self.changes.definitions.insert(owner.clone(), Some(definition.clone()));
        let period = self.period(owner, now_ms);
        self.observe(owner, &period.id, now_ms);
        Ok(Answer::Defined(definition))
    }

    pub(super) fn delete(&mut self, owner: &Owner) -> Result<Answer, Refusal> {
        if self.definitions.remove(owner).is_none() {
            return Err(Refusal::Missing(owner.scope.clone()));
        }
        self.changes.definitions.insert(owner.clone(), None);
        Ok(Answer::Deleted)
    }

    /// Opens a new period; the old one stays as it is.
    pub(super) fn reset(&mut self, owner: &Owner, now_ms: i64) -> Result<Answer, Refusal> {
        let before = self.book(owner, now_ms);
        let Some(definition) = before.definition else {
            return Err(Refusal::Missing(owner.scope.clone()));
        };
        *self.resets.entry(owner.clone()).or_default() += 1;
        self.changes.resets.insert(owner.clone());
        let period = self.period(owner, now_ms);
        let money = (before.spent_micros, Some(definition.limit_micros));
        self.changes.events.push(Event::new(owner, &period.id, Mark::Reset, money, now_ms));
        Ok(Answer::Renewed(period.id, before.spent_micros))
    }
}
