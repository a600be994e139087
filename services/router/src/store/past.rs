//! What was said in sessions, kept in memory from one turn to the next.
//!
//! Every write to a session raises its version, so that a past of the version that the database has is the whole
//! truth, whoever wrote it. Entries are kept as agents are told them.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use lru::LruCache;

use super::Entry;
use crate::session::{Owner, Session};

/// How many sessions are remembered.
const SESSIONS_MAX: NonZeroUsize = NonZeroUsize::new(8_192).expect("it is not zero");
/// How many bytes of words are remembered.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// An entry of a session, with what agents are told of it worked out once.
#[derive(Debug)]
pub struct Line {
    entry: Entry,
    told: OnceLock<Told>,
}

/// How an entry reads in `turn_history`.
#[derive(Debug)]
pub struct Told {
    /// One JSON object.
    pub json: String,
    /// Its estimated tokens, in hundredths.
    pub hundredths: i64,
}

impl Line {
    /// What agents are told of it.
    pub fn told(&self, tell: impl FnOnce(&Entry) -> Told) -> &Told {
        self.told.get_or_init(|| tell(&self.entry))
    }
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        Self { entry, told: OnceLock::new() }
    }
}

impl Deref for Line {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

/// The visible entries of one session, and what its active agent keeps of it.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The version of the session that it belongs to.
    pub version: i64,
    /// The entries, oldest first.
    pub lines: VecDeque<Arc<Line>>,
    /// An agent and its state.
    pub state: Option<(String, String)>,
    /// The session itself, as it was written last.
    pub session: Option<Arc<Session>>,
}

impl Past {
    /// Adds an entry where it belongs.
    pub fn add(&mut self, entry: Entry) {
        let before = self.lines.iter().rev().take_while(|line| entry.position < line.position);
        let at = self.lines.len() - before.count();
        self.lines.insert(at, Arc::new(entry.into()));
    }

    /// The last entries before a position, oldest first.
    #[must_use]
    pub fn before(&self, position: i64, max: usize) -> Vec<Arc<Line>> {
        let end = self.lines.partition_point(|line| line.position < position);
        self.lines.range(end.saturating_sub(max)..end).cloned().collect()
    }

    /// Forgets all but the last entries; the position of the first that stays.
    pub fn keep_last(&mut self, max: usize) -> Option<i64> {
        let surplus = self.lines.len().saturating_sub(max);
        self.lines.drain(..surplus);
        self.lines.front().map(|line| line.position)
    }

    /// By what its owner finds it as long as it lives.
    fn name(&self) -> Option<String> {
        let session = self.session.as_ref()?;
        let is_named = session.is_active() && !session.external_key.is_empty();
        is_named.then(|| full_name(&session.owner, &session.external_key))
    }

    fn bytes(&self) -> usize {
        let words = self.lines.iter().map(|line| line.content.len() + size_of::<Line>());
        let session = self
            .session
            .as_ref()
            .map_or(0, |session| size_of::<Session>() + session.metadata_json.len());
        words.sum::<usize>() + session + self.state.as_ref().map_or(0, |(_, state)| state.len())
    }
}

/// The pasts of the sessions that were used last.
#[derive(Debug)]
pub struct Pasts {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    sessions: LruCache<String, (Past, usize)>,
    /// The sessions that their owners have named, by these names.
    names: HashMap<String, String>,
    bytes: usize,
}

impl Default for Pasts {
    fn default() -> Self {
        let sessions = LruCache::new(SESSIONS_MAX);
        Self { kept: Mutex::new(Kept { sessions, names: HashMap::new(), bytes: 0 }) }
    }
}

impl Pasts {
    /// The past of a session at this version.
    #[must_use]
    pub fn at(&self, session_id: &str, version: i64) -> Option<Past> {
        let mut kept = self.lock();
        let (past, _) = kept.sessions.get(session_id)?;
        (past.version == version).then(|| past.clone())
    }

    /// A session as it was left, with its past. Somebody else may have written to it since.
    #[must_use]
    pub fn last(&self, session_id: &str) -> Option<(Session, Past)> {
        let mut kept = self.lock();
        let (past, _) = kept.sessions.get(session_id)?;
        Some((Session::clone(past.session.as_ref()?), past.clone()))
    }

    /// The session that its owner calls by this name, as far as it is remembered.
    #[must_use]
    pub fn named(&self, owner: &Owner, name: &str) -> Option<String> {
        self.lock().names.get(&full_name(owner, name)).cloned()
    }

    /// Forgets sessions that are no longer as they were left.
    pub fn forget(&self, session_ids: &[String]) {
        let mut kept = self.lock();
        for session_id in session_ids {
            if let Some((session_id, gone)) = kept.sessions.pop_entry(session_id) {
                kept.let_go(&session_id, &gone);
            }
        }
    }

    /// Remembers the past of a session, and forgets what was not used for longest.
    pub fn remember(&self, session_id: String, past: Past) {
        let bytes = past.bytes();
        let name = past.name();
        let mut kept = self.lock();
        if let Some((session_id, gone)) = kept.sessions.push(session_id.clone(), (past, bytes)) {
            kept.let_go(&session_id, &gone);
        }
        kept.names.extend(name.map(|name| (name, session_id)));
        kept.bytes += bytes;
        while BYTES_MAX < kept.bytes
            && let Some((session_id, gone)) = kept.sessions.pop_lru()
        {
            kept.let_go(&session_id, &gone);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Tidies up after a session that is no longer remembered, or not like this.
    fn let_go(&mut self, session_id: &str, (past, bytes): &(Past, usize)) {
        self.bytes -= bytes;
        if let Some(name) = past.name()
            && self.names.get(&name).is_some_and(|named| named == session_id)
        {
            self.names.remove(&name);
        }
    }
}

/// Tenant, user and name in one, so that no two are the same.
fn full_name(owner: &Owner, name: &str) -> String {
    let Owner { tenant, user_id } = owner;
    format!("{} {} {tenant}{user_id}{name}", tenant.len(), user_id.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Status;
    use crate::store::Role;

    fn said(position: i64) -> Entry {
        Entry {
            position,
            request_id: "r".to_owned(),
            role: Role::User,
            agent_id: String::new(),
            content: "words".to_owned(),
            intent_summary: String::new(),
            timestamp_ms: position,
        }
    }

    fn positions(lines: &[Arc<Line>]) -> Vec<i64> {
        lines.iter().map(|line| line.position).collect()
    }

    #[test]
    fn entries_stand_in_the_order_of_their_positions() {
        let mut past = Past::default();
        for position in [64, 128, 65, 192, 129] {
            past.add(said(position));
        }
        assert_eq!(positions(&past.before(i64::MAX, 9)), [64, 65, 128, 129, 192]);
        assert_eq!(positions(&past.before(129, 2)), [65, 128], "the last two before it");
        assert_eq!(past.keep_last(2), Some(129));
        assert_eq!(positions(&past.before(i64::MAX, 9)), [129, 192]);
    }

    #[test]
    fn a_past_of_another_version_is_none() {
        let pasts = Pasts::default();
        pasts.remember("a".to_owned(), Past { version: 3, ..Past::default() });
        assert!(pasts.at("a", 3).is_some());
        assert!(pasts.at("a", 4).is_none() && pasts.at("b", 3).is_none());
    }

    #[test]
    fn a_session_is_found_by_its_name_while_it_lives_and_is_remembered() {
        let (pasts, owner) = (Pasts::default(), Owner { tenant: "t".into(), user_id: "u".into() });
        let named = |id: &str, status| {
            let session = Session {
                session_id: id.to_owned(),
                owner: owner.clone(),
                external_key: "k".to_owned(),
                status,
                ..Session::default()
            };
            Past { session: Some(Arc::new(session)), ..Past::default() }
        };
        pasts.remember("a".to_owned(), named("a", Status::Active));
        assert_eq!(pasts.named(&owner, "k").as_deref(), Some("a"));
        let other = Owner { tenant: "tu".into(), user_id: String::new() };
        assert_eq!((pasts.named(&owner, ""), pasts.named(&other, "k")), (None, None));
        pasts.remember("a".to_owned(), named("a", Status::Completed));
        assert_eq!(pasts.named(&owner, "k"), None, "it has ended");
        pasts.remember("b".to_owned(), named("b", Status::Active));
        pasts.remember("a".to_owned(), named("a", Status::Completed));
        assert_eq!(pasts.named(&owner, "k").as_deref(), Some("b"), "another has the name now");
        pasts.forget(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(pasts.named(&owner, "k"), None);
        assert!(pasts.lock().names.is_empty());
    }

    #[test]
    fn words_are_forgotten_when_there_are_too_many() {
        let pasts = Pasts::default();
        let long = || {
            let mut past = Past::default();
            past.add(Entry { content: "x".repeat(BYTES_MAX / 2), ..said(1) });
            past
        };
        for id in ["a", "b", "b", "c"] {
            pasts.remember(id.to_owned(), long());
        }
        assert!(pasts.at("a", 0).is_none() && pasts.at("c", 0).is_some());
        let kept = pasts.kept.lock().unwrap();
        let bytes: usize = kept.sessions.iter().map(|(_, (_, bytes))| bytes).sum();
        assert_eq!(kept.bytes, bytes);
    }
}
