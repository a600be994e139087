//! What a batch writes, as rows of the parts of its statement.

use rusqlite::types::Value;
use uuid::Uuid;

use super::super::cell::Cell;
use super::super::outbox;
use super::super::row::session_cells;
use crate::ending::Ending;
use crate::session::Session;
use crate::store::{Acceptance, Entry, Lease, Mark, Page};

/// A turn that begins.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    pub acceptance: &'a Acceptance,
    pub lease: Lease,
    pub session_new: bool,
    pub is_first: bool,
}

/// Something that was said in the course of a turn.
#[derive(Debug)]
pub(super) struct Said {
    pub session_id: String,
    pub turn_id: String,
    pub entry: Entry,
}

/// Everything that a batch writes.
#[derive(Debug, Default)]
pub(super) struct Sheet<'a> {
    pub made: Vec<&'a Session>,
    /// Sessions with the version that was read.
    pub moved: Vec<(&'a Session, i64)>,
    pub closed: Vec<&'a Session>,
    /// Sessions with the position before which their entries go.
    pub dropped: Vec<(&'a str, i64)>,
    pub begun: &'a [Begun<'a>],
    pub said: &'a [Said],
    pub pages: &'a [&'a Page],
}

/// The rows of a part.
#[derive(Debug)]
pub(super) struct Rows<'a>(Vec<Vec<Cell<'a>>>);

impl<'a> Rows<'a> {
    fn of(rows: impl IntoIterator<Item = Vec<Cell<'a>>>) -> Self {
        Self(rows.into_iter().collect())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// One JSON list for all of them.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(&self.0).expect("rows are plain data")
    }

    /// The parameters of each.
    pub(super) fn values(self) -> Vec<Vec<Value>> {
        self.0.into_iter().map(|row| row.into_iter().map(Value::from).collect()).collect()
    }
}

/// A row of what can become cells.
macro_rules! row {
    ($($cell:expr),+ $(,)?) => {
        vec![$(Cell::from($cell)),+]
    };
}

impl Sheet<'_> {
    /// The columns of `sessions`.
    pub(super) fn made(&self) -> Rows<'_> {
        Rows::of(self.made.iter().map(|session| session_cells(session)))
    }

    /// The columns of `sessions`, and the version that was read.
    pub(super) fn moved(&self) -> Rows<'_> {
        Rows::of(self.moved.iter().map(|(session, read)| {
            let mut cells = session_cells(session);
            cells.push(Cell::from(*read));
            cells
        }))
    }

    /// Id, tenant, user, request, session, whether the session began with it, fingerprint, number, state, end of the
    /// lease, time.
    pub(super) fn begun(&self) -> Rows<'_> {
        Rows::of(self.begun.iter().map(|begun| {
            let (a, lease) = (begun.acceptance, &begun.lease);
            row![
                &lease.turn_id,
                &a.owner.tenant,
                &a.owner.user_id,
                &a.request_id,
                &lease.session_id,
                i64::from(begun.session_new),
                &a.fingerprint,
                lease.seq,
                if begun.is_first { "running" } else { "queued" },
                a.now_ms.saturating_add(a.limits.lease_ms),
                a.now_ms,
            ]
        }))
    }

    /// Session, position, turn, request, role, agent, words, summary, time.
    pub(super) fn said(&self) -> Rows<'_> {
        Rows::of(self.said.iter().map(|Said { session_id, turn_id, entry }| {
            row![
                session_id,
                entry.position,
                turn_id,
                &entry.request_id,
                entry.role.name(),
                &entry.agent_id,
                &entry.content,
                &entry.intent_summary,
                entry.timestamp_ms,
            ]
        }))
    }

    /// Id, fencing token, state, result, record, provisional result, time of the end.
    pub(super) fn marked(&self) -> Rows<'_> {
        let text =
            |ending: &Ending| serde_json::to_string(ending).expect("an ending is plain data");
        let mut pages = self.pages.to_vec();
        pages.sort_unstable_by(|one, two| one.lease.turn_id.cmp(&two.lease.turn_id));
        Rows::of(pages.into_iter().map(|page| {
            let (id, fence) = (&page.lease.turn_id, page.lease.fence);
            match &page.mark {
                Mark::Provisional(ending) => {
                    row![id, fence, "running", "", "", text(ending), None]
                }
                Mark::Final(ending, record) => {
                    row![id, fence, "done", text(ending), record, "", Some(page.now_ms)]
                }
            }
        }))
    }

    /// Session, agent, state: the last of each agent.
    pub(super) fn states(&self) -> Rows<'_> {
        let mut states: Vec<(&str, &str, &str)> = Vec::new();
        for page in self.pages {
            let Some((agent_id, state)) = &page.state else { continue };
            let session_id = page.lease.session_id.as_str();
            states.retain(|(session, agent, _)| (*session, *agent) != (session_id, agent_id));
            states.push((session_id, agent_id, state));
        }
        Rows::of(states.into_iter().map(|(session, agent, state)| row![session, agent, state]))
    }

    /// Handoff, session, receiver, time.
    pub(super) fn switches(&self) -> Rows<'_> {
        Rows::of(self.pages.iter().filter_map(|page| {
            let switch = page.change.switch.as_ref()?;
            Some(row![&switch.handoff_id, &page.lease.session_id, &switch.to_agent, page.now_ms])
        }))
    }

    /// Charge, turn, order, time, tries.
    pub(super) fn owed(&self) -> Rows<'_> {
        let owed = self.pages.iter().flat_map(|page| &page.settlements);
        Rows::of(owed.map(|owed| {
            let order = serde_json::to_string(&owed.order).expect("an order is plain data");
            row![&owed.charge_id, &owed.turn_id, order, owed.due_ms, owed.tries]
        }))
    }

    /// Event, session, kind, payload, time.
    pub(super) fn closed(&self) -> Rows<'_> {
        Rows::of(self.closed.iter().map(|session| {
            let (kind, payload, time) = outbox::end_of(session);
            row![Uuid::new_v4().to_string(), &session.session_id, kind, payload, time]
        }))
    }

    /// Session, position.
    pub(super) fn dropped(&self) -> Rows<'_> {
        Rows::of(self.dropped.iter().map(|&(session_id, position)| row![session_id, position]))
    }
}
