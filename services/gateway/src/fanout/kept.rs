//! The events of the last minutes, for those who come back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::KEPT_MAX;
use super::event::{Event, Owner};

/// The memory that all kept events may take.
const BYTES_MAX: usize = 64 << 20;
/// Places in the order of all, of which those of crowded sessions may be empty.
const ORDER_MAX: usize = 300_000;

/// Events in the order of their publication.
pub(super) struct Kept {
    replay_ms: i64,
    bytes: usize,
    order: VecDeque<(String, u64)>,
    sessions: HashMap<String, VecDeque<Arc<Event>>>,
}

impl Kept {
    pub(super) fn new(replay_ms: i64) -> Self {
        Self { replay_ms, bytes: 0, order: VecDeque::new(), sessions: HashMap::new() }
    }

    pub(super) fn push(&mut self, event: &Arc<Event>) {
        if self.replay_ms == 0 || event.publication.frame.is_none() {
            return;
        }
        let key = event.publication.owner.key(&event.publication.session_id);
        let events = self.sessions.entry(key.clone()).or_default();
        events.push_back(event.clone());
        self.bytes += event.size();
        if KEPT_MAX < events.len()
            && let Some(oldest) = events.pop_front()
        {
            self.bytes -= oldest.size();
        }
        self.order.push_back((key, event.stamp.number));
        self.trim(event.at_ms);
    }

    /// The kept events of a session, oldest first.
    pub(super) fn of(&mut self, owner: &Owner, session_id: &str, now_ms: i64) -> Vec<Arc<Event>> {
        self.trim(now_ms);
        let events = self.sessions.get(&owner.key(session_id));
        events.into_iter().flatten().cloned().collect()
    }

    fn trim(&mut self, now_ms: i64) {
        while let Some((key, number)) = self.order.front() {
            let oldest = self.sessions.get(key).and_then(VecDeque::front);
            // One that is not at the front has gone because its session had too many.
            let oldest = oldest.filter(|event| event.stamp.number == *number);
            let is_due = oldest.is_none_or(|event| event.at_ms + self.replay_ms <= now_ms);
            if !is_due && self.bytes <= BYTES_MAX && self.order.len() <= ORDER_MAX {
                return;
            }
            let is_there = oldest.is_some();
            let Some((key, _)) = self.order.pop_front() else { return };
            if is_there {
                self.drop_oldest(&key);
            }
        }
    }

    fn drop_oldest(&mut self, key: &str) {
        let Some(events) = self.sessions.get_mut(key) else { return };
        if let Some(event) = events.pop_front() {
            self.bytes -= event.size();
        }
        if events.is_empty() {
            self.sessions.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fanout::event::{Publication, Stamp};
    use crate::frame::{Frame, Marks};

    fn event(session: &str, number: u64, at_ms: i64) -> Arc<Event> {
        let marks = Marks { request_id: Some("r"), seq: Some(number), ..Marks::default() };
        let publication = Publication {
            owner: Owner::new("t", "u"),
            session_id: session.to_owned(),
            alias: None,
            frame: Some(Arc::new(Frame::new("delta", None, marks))),
            origin: None,
        };
        Arc::new(Event { stamp: Stamp { replica: "r".into(), number }, at_ms, publication })
    }

    fn numbers(kept: &mut Kept, session: &str, now_ms: i64) -> Vec<u64> {
        kept.of(&Owner::new("t", "u"), session, now_ms).iter().map(|e| e.stamp.number).collect()
    }

    #[test]
    fn events_go_when_their_time_is_over() {
        let mut kept = Kept::new(100);
        for (session, number, at_ms) in [("a", 1, 0), ("b", 2, 10), ("a", 3, 50)] {
            kept.push(&event(session, number, at_ms));
        }
        assert_eq!(numbers(&mut kept, "a", 99), [1, 3]);
        assert_eq!(numbers(&mut kept, "a", 100), [3]);
        assert_eq!(numbers(&mut kept, "b", 110), [0; 0]);
        assert_eq!(numbers(&mut kept, "a", 1_000), [0; 0]);
        assert_eq!(
            (kept.bytes, kept.order.len(), kept.sessions.len()),
            (0, 0, 0),
            "nothing is left"
        );
    }

    #[test]
    fn a_session_keeps_its_newest_thousand() {
        let mut kept = Kept::new(100);
        for number in 0..1_500 {
            kept.push(&event("a", number, 0));
        }
        kept.push(&event("b", 1_500, 50));
        assert_eq!(numbers(&mut kept, "a", 0), (500..1_500).collect::<Vec<_>>());
        assert_eq!(numbers(&mut kept, "a", 100), [0; 0]);
        assert_eq!(numbers(&mut kept, "b", 100), [1_500]);
    }

    #[test]
    fn nothing_is_kept_when_that_is_off() {
        let mut kept = Kept::new(0);
        kept.push(&event("a", 1, 0));
        assert_eq!(numbers(&mut kept, "a", 0), [0; 0]);
    }
}
