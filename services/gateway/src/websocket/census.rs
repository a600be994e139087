//! How many connections are open, and how many of each key.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::Principal;
use crate::problem::Problem;

/// What kind of connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A WebSocket.
    Socket,
    /// A stream of events.
    Stream,
}

/// Counts the connections of this replica.
#[derive(Clone)]
pub(crate) struct Census {
    per_key_max: usize,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    sockets: i64,
    streams: i64,
    keys: HashMap<(String, String), usize>,
}

impl Census {
    pub(crate) fn new(per_key_max: usize) -> Self {
        Self { per_key_max, counts: Arc::default() }
    }

    /// Takes a place, given up when dropped; refused when the key has too many.
    pub(crate) fn enter(&self, principal: &Principal, sort: Sort) -> Result<Place, Problem> {
        let key = (principal.tenant.clone(), principal.key_id.clone());
        let mut counts = self.lock();
        let count = counts.keys.entry(key.clone()).or_default();
        if self.per_key_max <= *count {
            metrics::counter!("ratelimit.rejected", "kind" => "connections").increment(1);
            return Err(Problem::new("rate_limited").retry_after(1));
        }
        *count += 1;
        *counts.of(sort) += 1;
        gauge(&counts);
        Ok(Place { census: self.clone(), key, sort })
    }

    /// The open sockets and streams.
    pub(crate) fn counts(&self) -> (i64, i64) {
        let counts = self.lock();
        (counts.sockets, counts.streams)
    }

    fn leave(&self, place: &Place) {
        let mut counts = self.lock();
        if let Entry::Occupied(mut count) = counts.keys.entry(place.key.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        *counts.of(place.sort) -= 1;
        gauge(&counts);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn of(&mut self, sort: Sort) -> &mut i64 {
        match sort {
            Sort::Socket => &mut self.sockets,
            Sort::Stream => &mut self.streams,
        }
    }
}

fn gauge(counts: &Counts) {
    #[expect(clippy::cast_precision_loss, reason = "a process has far fewer sockets")]
    metrics::gauge!("gateway.sockets").set(counts.sockets as f64);
}

/// A connection's place.
pub(crate) struct Place {
    census: Census,
    key: (String, String),
    sort: Sort,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.census.leave(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(key_id: &str) -> Principal {
        Principal {
            key_id: key_id.to_owned(),
            tenant: "default".to_owned(),
            bound_user: None,
            scopes: Vec::new(),
            rate: None,
        }
    }

    #[test]
    fn each_key_has_so_many_places() {
        let census = Census::new(2);
        let first = census.enter(&principal("a"), Sort::Socket).unwrap();
        let _second = census.enter(&principal("a"), Sort::Stream).unwrap();
        assert_eq!(
            census.enter(&principal("a"), Sort::Socket).err().unwrap().code(),
            "rate_limited"
        );
        let other = census.enter(&principal("b"), Sort::Socket).unwrap();
        assert_eq!(census.counts(), (2, 1));
        drop((first, other));
        assert_eq!(census.counts(), (0, 1));
        assert!(census.enter(&principal("a"), Sort::Socket).is_ok());
        assert_eq!(census.lock().keys.len(), 1, "a key without connections is forgotten");
    }
}
