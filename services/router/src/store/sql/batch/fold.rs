//! What the steps of a batch make of their sessions, one after the other, before anything is written.

use std::collections::HashMap;
use std::sync::Arc;

use super::read::Found;
use super::rows::{Begun, Said, Sheet};
use super::{Outcome, Step};
use crate::session::{Busy, Reference, Session, position};
use crate::store::past::Past;
use crate::store::{Acceptance, Accepted, Entry, Lease, Mark, Page, Place, Scene};

/// How much further than visible a session may grow before its oldest entries are dropped: one part in so many.
const SURPLUS_PARTS: i64 = 8;

/// A batch while it is worked out.
#[derive(Debug, Default)]
pub(super) struct Fold<'a> {
    by_step: HashMap<usize, String>,
    kept: HashMap<String, Kept>,
    /// The sessions that this batch makes, by owner and name.
    made: HashMap<(String, String, String), String>,
    at: usize,
    begun: Vec<Begun<'a>>,
    said: Vec<Said>,
    pages: Vec<&'a Page>,
}

/// A session of the batch.
#[derive(Debug)]
struct Kept {
    session: Session,
    /// The version that was read; absent when the session is new.
    read: Option<i64>,
    past: Option<Past>,
    is_changed: bool,
    was_active: bool,
    /// The position before which its entries are dropped.
    drop_before: Option<i64>,
}

impl<'a> Fold<'a> {
    pub(super) fn of(found: Found) -> Self {
        let kept = |(session, past): (Session, Option<Past>)| Kept {
            read: Some(session.version),
            was_active: session.is_active(),
            session,
            past,
            is_changed: false,
            drop_before: None,
        };
        let sessions = found.sessions.into_iter();
        Self {
            by_step: found.by_step,
            kept: sessions.map(|(id, session)| (id, kept(session))).collect(),
            ..Self::default()
        }
    }

    /// Whether nothing is to be written.
    pub(super) fn is_idle(&self) -> bool {
        self.begun.is_empty() && self.pages.is_empty()
    }

    /// Takes the next step; nothing when it cannot be decided here.
    pub(super) fn take(&mut self, step: &'a Step) -> Option<Outcome> {
        let found = self.by_step.remove(&self.at);
        self.at += 1;
        match step {
            Step::Accept(acceptance) => {
                let accepted = self.accept(acceptance, found)?;
                Some(Outcome::Accepted(Box::new(accepted)))
            }
            Step::Write(page) => {
                self.write(page, found).map(|session| Outcome::Written(Box::new(session)))
            }
        }
    }

    fn accept(&mut self, a: &'a Acceptance, found: Option<String>) -> Option<Accepted> {
        let Place::Session(reference) = &a.place else { return None };
        let (session_id, is_made) = match found.or_else(|| self.made_for(a, reference)) {
            Some(session_id) => (session_id, false),
            None => (self.make(a, reference), true),
        };
        let kept = self.kept.get_mut(&session_id)?;
        let session = &mut kept.session;
        let is_usable = session.is_active() && !session.is_expired(a.now_ms);
        if !is_usable || session.owner != a.owner {
            return None;
        }
        let is_first = session.open_turns == 0;
        // Whoever runs at once needs what was said before; whoever waits reads it later.
        let scene = match is_first {
            true => Some(scene(kept.past.as_ref()?, session, a)?),
            false => None,
        };
        let seq = session.admit(a.limits.queue_max).map_err(|Busy| ()).ok()?;
        let lease = Lease {
            turn_id: a.turn_id.clone(),
            session_id: session_id.clone(),
            is_anonymous: false,
            fence: 1,
            seq,
            attempt: 1,
        };
        session.touch(a.now_ms, a.limits.ttl_ms);
        session.version += 1;
        kept.is_changed = true;
        if !a.input.is_empty() {
            let entry = a.words(seq);
            kept.say(entry.clone(), a.limits.max_turns);
            self.said.push(Said { session_id, turn_id: a.turn_id.clone(), entry });
        }
        let session = kept.session.clone();
        let begun = Begun { acceptance: a, lease: lease.clone(), session_new: is_made, is_first };
        self.begun.push(begun);
        Some(Accepted { lease, session, session_new: is_made, scene })
    }

    fn made_for(&self, a: &Acceptance, reference: &Reference) -> Option<String> {
        self.made.get(&name(a, reference)).cloned()
    }

    fn make(&mut self, a: &Acceptance, reference: &Reference) -> String {
        let session = a.session(reference);
        let session_id = session.session_id.clone();
        let past = Some(Past::default());
        let kept = Kept {
            session,
            read: None,
            past,
            is_changed: true,
            was_active: true,
            drop_before: None,
        };
        self.kept.insert(session_id.clone(), kept);
        self.made.insert(name(a, reference), session_id.clone());
        session_id
    }

    fn write(&mut self, page: &'a Page, found: Option<String>) -> Option<Session> {
        let lease = &page.lease;
        let kept = self.kept.get_mut(&found?)?;
        let session_id = &lease.session_id;
        if let Some(entry) = &page.entry {
            kept.say(entry.clone(), page.limits.max_turns);
            let (session_id, turn_id) = (session_id.clone(), lease.turn_id.clone());
            self.said.push(Said { session_id, turn_id, entry: entry.clone() });
        }
        let session = &mut kept.session;
        session.apply(&page.change, page.now_ms, page.limits.ttl_ms);
        if matches!(page.mark, Mark::Final(..)) {
            session.open_turns -= 1;
        }
        session.version += 1;
        kept.is_changed = true;
        if let (Some(past), Some(state)) = (&mut kept.past, &page.state) {
            past.state = Some(state.clone());
        }
        self.pages.push(page);
        Some(kept.session.clone())
    }

    /// What is to be written.
    pub(super) fn sheet(&self) -> Sheet<'_> {
        let mut sheet =
            Sheet { begun: &self.begun, said: &self.said, pages: &self.pages, ..Sheet::default() };
        for kept in self.kept.values().filter(|kept| kept.is_changed) {
            match kept.read {
                None => sheet.made.push(&kept.session),
                Some(read) => sheet.moved.push((&kept.session, read)),
            }
            if kept.was_active && !kept.session.is_active() {
                sheet.closed.push(&kept.session);
            }
            if let Some(position) = kept.drop_before {
                sheet.dropped.push((&kept.session.session_id, position));
            }
        }
        // Two writers that lock rows in one order never wait for each other in a circle.
        sheet.moved.sort_unstable_by(|(one, _), (two, _)| one.session_id.cmp(&two.session_id));
        sheet
    }

    /// What is known of the sessions once it is written.
    pub(super) fn into_pasts(self) -> impl Iterator<Item = (String, Past)> {
        self.kept.into_iter().filter(|(_, kept)| kept.is_changed).filter_map(|(id, kept)| {
            let (version, session) = (kept.session.version, Some(Arc::new(kept.session)));
            kept.past.map(|past| (id, Past { version, session, ..past }))
        })
    }
}

impl Kept {
    fn say(&mut self, entry: Entry, max: i64) {
        self.session.entry_count += 1;
        let Some(past) = &mut self.past else { return };
        past.add(entry);
        if max + max / SURPLUS_PARTS < self.session.entry_count {
            self.drop_before = past.keep_last(usize::try_from(max).unwrap_or(usize::MAX));
            self.session.entry_count = max;
        }
    }
}

fn name(a: &Acceptance, reference: &Reference) -> (String, String, String) {
    (a.owner.tenant.clone(), a.owner.user_id.clone(), reference.key().to_owned())
}

/// What a turn that runs at once has before it; nothing when the state of the active agent is not known.
fn scene(past: &Past, session: &Session, a: &Acceptance) -> Option<Scene> {
    let max = usize::try_from(a.limits.max_turns).unwrap_or(usize::MAX);
    let state_json = match (session.active_agent.as_str(), &past.state) {
        ("", _) => String::new(),
        (active, Some((of, state))) if of == active => state.clone(),
        _ => return None,
    };
    Some(Scene { history: past.before(position(session.last_seq + 1, 0), max), state_json })
}
