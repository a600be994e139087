//! The kept sessions: one line an agent, its endpoint and its registry generation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::wire::Wire;
use http::Uri;
use tokio::sync::Semaphore;

use super::session::{Session, Shared};
use super::setback::Setback;

/// All lines, and how many calls each agent still takes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: Mutex<HashMap<Key, Arc<Line>>>,
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// What a line is kept for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) agent_id: String,
    pub(super) endpoint: String,
    pub(super) generation: u64,
}

/// One agent at one endpoint in one generation.
#[derive(Debug)]
pub(super) struct Line {
    wire: Wire,
    uri: Uri,
    session: Mutex<Option<Shared>>,
    /// Held by whoever opens a session, so that one is enough.
    opening: tokio::sync::Mutex<()>,
}

impl Lines {
    /// The line of an agent; a new one, made by `connect`, replaces those of its earlier generations.
    pub(super) fn of(
        &self,
        key: &Key,
        connect: impl FnOnce() -> Wire,
    ) -> Result<Arc<Line>, Setback> {
        let mut lines = lock(&self.lines);
        if let Some(line) = lines.get(key) {
            return Ok(line.clone());
        }
        let uri: Uri = key.endpoint.parse().map_err(|error: http::uri::InvalidUri| {
            let cause = format!("the endpoint is not a URL: {error}");
            Setback::Unconnected { cause, is_forbidden: true }
        })?;
        let line = Arc::new(Line {
            wire: connect(),
            uri,
            session: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        });
        lines.retain(|known, _| {
            known.agent_id != key.agent_id || key.generation <= known.generation
        });
        lines.insert(key.clone(), line.clone());
        Ok(line)
    }

    /// The places of an agent, shared by all its lines.
    pub(super) fn places(&self, agent_id: &str, count: usize) -> Arc<Semaphore> {
        let mut places = lock(&self.places);
        if let Some(places) = places.get(agent_id) {
            return places.clone();
        }
        let new = Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        places.insert(agent_id.to_owned(), new.clone());
        new
    }

    /// Forgets the lines of every generation before this one; calls under way hold on to theirs.
    pub(super) fn retire(&self, generation: u64) {
        let mut lines = lock(&self.lines);
        lines.retain(|key, _| generation <= key.generation);
        let is_known = |agent_id: &str| lines.keys().any(|key| key.agent_id == agent_id);
        lock(&self.places)
            .retain(|agent_id, places| is_known(agent_id) || 1 < Arc::strong_count(places));
    }
}

impl Line {
    /// The open session, or a new one.
    pub(super) async fn session(&self) -> Result<Shared, Setback> {
        if let Some(session) = self.open() {
            return Ok(session);
        }
        let _alone = self.opening.lock().await;
        if let Some(session) = self.open() {
            return Ok(session);
        }
        let session = Arc::new(Session::open(self.wire.clone(), self.uri.clone()).await?);
        *lock(&self.session) = Some(session.clone());
        Ok(session)
    }

    /// Lets go of a session that the agent knows no more, unless another was opened already.
    pub(super) fn forget(&self, gone: &Shared) {
        let mut session = lock(&self.session);
        if session.as_ref().is_some_and(|open| Arc::ptr_eq(open, gone)) {
            *session = None;
        }
    }

    fn open(&self) -> Option<Shared> {
        lock(&self.session).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
