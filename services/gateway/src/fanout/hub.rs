//! The subscribers of this replica.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::clock;

use super::event::{Event, Owner, Publication, Stamp};
use super::kept::Kept;
use super::subscription::{Delivery, Outbox, Subscription};

/// Delivers events to those who listen to the session by any of its names.
pub(super) struct Hub {
    replica: Arc<str>,
    state: Mutex<State>,
}

struct State {
    events: u64,
    subscribers: u64,
    /// By id.
    listening: HashMap<u64, Listener>,
    /// The ids of those who listen to a name.
    names: HashMap<String, Vec<u64>>,
    kept: Kept,
}

struct Listener {
    owner: Owner,
    name: String,
    /// The session that the name denotes, once that is known.
    session_id: Option<String>,
    outbox: Outbox,
}

impl Hub {
    pub(super) fn new(replay_ms: i64) -> Self {
        let state = State {
            events: 0,
            subscribers: 0,
            listening: HashMap::new(),
            names: HashMap::new(),
            kept: Kept::new(replay_ms),
        };
        Self { replica: uuid::Uuid::new_v4().to_string().into(), state: Mutex::new(state) }
    }

    /// Numbers, keeps and delivers an event, and hands it to `relay` in the order of the numbers.
    pub(super) fn publish(
        &self,
        publication: Publication,
        relay: impl FnOnce(&Arc<Event>),
    ) -> usize {
        let mut state = self.lock();
        state.events += 1;
        let stamp = Stamp { replica: self.replica.clone(), number: state.events };
        let event = Arc::new(Event { stamp, at_ms: clock::now_ms(), publication });
        state.kept.push(&event);
        let delivered = state.deliver(&event);
        relay(&event);
        delivered
    }

    /// Delivers an event of another replica.
    pub(super) fn deliver(&self, event: &Event) {
        if event.stamp.replica != self.replica {
            self.lock().deliver(event);
        }
    }

    pub(super) fn subscribe(
        hub: &Arc<Self>,
        owner: &Owner,
        name: &str,
        queue: usize,
    ) -> Subscription {
        let mut state = hub.lock();
        state.subscribers += 1;
        let id = state.subscribers;
        let (outbox, receiver) = Outbox::new(queue);
        let listener = Listener {
            owner: owner.clone(),
            name: name.to_owned(),
            session_id: None,
            outbox: outbox.clone(),
        };
        state.listening.insert(id, listener);
        state.names.entry(owner.key(name)).or_default().push(id);
        Subscription::new(id, owner.clone(), (outbox, receiver), hub.clone())
    }

    pub(super) fn unsubscribe(&self, id: u64) {
        let mut state = self.lock();
        let Some(listener) = state.listening.remove(&id) else { return };
        let names = std::iter::once(&listener.name).chain(&listener.session_id);
        for name in names {
            state.forget(&listener.owner.key(name), id);
        }
    }

    /// Says which session the name of a subscriber denotes.
    pub(super) fn bind(&self, id: u64, session_id: &str) {
        self.lock().bind(id, session_id);
    }

    /// The events of a session that all replicas keep, with those of this replica that have not arrived there yet.
    pub(super) fn with_own_kept(
        &self,
        owner: &Owner,
        session_id: &str,
        shared: Vec<Arc<Event>>,
    ) -> Vec<Arc<Event>> {
        let is_own = |event: &&Arc<Event>| event.stamp.replica == self.replica;
        let newest = shared.iter().filter(is_own).map(|event| event.stamp.number).max();
        let mut state = self.lock();
        let own = state.kept.of(owner, session_id, clock::now_ms());
        let missing = own.into_iter().filter(|event| newest < Some(event.stamp.number));
        shared.into_iter().chain(missing).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many were reached.
    fn deliver(&mut self, event: &Event) -> usize {
        let Publication { owner, session_id, alias, frame, origin } = &event.publication;
        let called = alias.as_ref().and_then(|alias| self.names.get(&owner.key(alias)).cloned());
        for id in called.unwrap_or_default() {
            // Only the name that a client chose can come to denote another session.
            if self
                .listening
                .get(&id)
                .is_some_and(|listener| Some(&listener.name) == alias.as_ref())
            {
                self.bind(id, session_id);
            }
        }
        let (Some(frame), Some(ids)) = (frame, self.names.get(&owner.key(session_id))) else {
            return 0;
        };
        let mut delivered = 0;
        for id in ids.iter().filter(|id| Some(**id) != *origin) {
            if let Some(listener) = self.listening.get(id) {
                let delivery = Delivery { stamp: Some(event.stamp.clone()), frame: frame.clone() };
                delivered += usize::from(listener.outbox.deliver(delivery));
            }
        }
        delivered
    }

    fn bind(&mut self, id: u64, session_id: &str) {
        let Some(listener) = self.listening.get_mut(&id) else { return };
        if listener.name == session_id || listener.session_id.as_deref() == Some(session_id) {
            return;
        }
        let owner = listener.owner.clone();
        let before = listener.session_id.replace(session_id.to_owned());
        self.names.entry(owner.key(session_id)).or_default().push(id);
        if let Some(before) = before {
            self.forget(&owner.key(&before), id);
        }
    }

    fn forget(&mut self, name: &str, id: u64) {
        let Some(ids) = self.names.get_mut(name) else { return };
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            self.names.remove(name);
        }
    }
}
