//! Who occupies one agent: slots that end by themselves unless they are renewed.

use std::collections::{BTreeSet, HashMap};

/// What asking for a slot came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whether the holder has a slot now.
    pub is_granted: bool,
    /// How many slots are live.
    pub load: i64,
}

/// What giving a slot up came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Whether there was a slot to give up, or to hand over.
    pub is_released: bool,
    /// How many slots are live.
    pub load: i64,
}

/// The live slots of one agent.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    ends: HashMap<String, i64>,
    by_end: BTreeSet<(i64, String)>,
}

impl Slots {
    /// Gives a holder a slot until `end_ms`, or renews the one it has. Without a `max` there is always one.
    pub fn acquire(&mut self, holder: &str, end_ms: i64, max: Option<i64>, now_ms: i64) -> Grant {
        let load = self.load(now_ms);
        let is_full = max.is_some_and(|max| max <= load);
        if is_full && !self.ends.contains_key(holder) {
            return Grant { is_granted: false, load };
        }
        self.put(holder, end_ms);
        Grant { is_granted: true, load: self.load(now_ms) }
    }

    /// Frees the slot of a holder.
    pub fn release(&mut self, holder: &str, now_ms: i64) -> Release {
        self.expire(now_ms);
        let is_released = self.take(holder);
        Release { is_released, load: self.load(now_ms) }
    }

    /// Gives the slot of one holder to another until `end_ms`. It may be repeated.
    pub fn hand_over(&mut self, from: &str, to: &str, end_ms: i64, now_ms: i64) -> Release {
        self.expire(now_ms);
        let is_released = if self.take(from) {
            self.put(to, end_ms);
            true
        } else {
            self.ends.contains_key(to)
        };
        Release { is_released, load: self.load(now_ms) }
    }

    /// How many slots are live.
    pub fn load(&mut self, now_ms: i64) -> i64 {
        self.expire(now_ms);
        i64::try_from(self.ends.len()).unwrap_or(i64::MAX)
    }

    fn put(&mut self, holder: &str, end_ms: i64) {
        self.take(holder);
        self.ends.insert(holder.to_owned(), end_ms);
        self.by_end.insert((end_ms, holder.to_owned()));
    }

    fn take(&mut self, holder: &str) -> bool {
        let Some((holder, end_ms)) = self.ends.remove_entry(holder) else { return false };
        self.by_end.remove(&(end_ms, holder))
    }

    fn expire(&mut self, now_ms: i64) {
        while let Some((end_ms, holder)) = self.by_end.first() {
            if now_ms < *end_ms {
                return;
            }
            self.ends.remove(holder);
            self.by_end.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Grant = Grant { is_granted: false, load: 1 };

    #[test]
    fn the_last_slot_goes_to_one_holder_until_it_ends() {
        let mut slots = Slots::default();
        assert_eq!(slots.acquire("a", 100, Some(1), 0), Grant { is_granted: true, load: 1 });
        assert_eq!(slots.acquire("b", 100, Some(1), 99), FULL);
        assert_eq!(slots.acquire("b", 200, Some(1), 100), Grant { is_granted: true, load: 1 });
        assert_eq!(slots.acquire("a", 200, Some(1), 100), FULL, "the slot of `a` has ended");
    }

    #[test]
    fn a_holder_has_one_slot_however_often_it_asks() {
        let mut slots = Slots::default();
        for end_ms in [100, 300, 200] {
            let grant = slots.acquire("a", end_ms, Some(1), 0);
            assert_eq!(grant, Grant { is_granted: true, load: 1 });
        }
        assert_eq!(slots.load(199), 1);
        assert_eq!(slots.load(200), 0, "the last renewal decides when the slot ends");
    }

    #[test]
    fn a_lowered_limit_takes_nobody_s_slot() {
        let mut slots = Slots::default();
        slots.acquire("a", 100, None, 0);
        slots.acquire("b", 100, None, 0);
        assert!(slots.acquire("a", 100, Some(1), 0).is_granted, "a holder renews");
        assert!(!slots.acquire("c", 100, Some(1), 0).is_granted);
    }

    #[test]
    fn a_slot_is_handed_over_without_being_free_in_between() {
        let mut slots = Slots::default();
        slots.acquire("handoff", 100, Some(1), 0);
        let handed = Release { is_released: true, load: 1 };
        assert_eq!(slots.hand_over("handoff", "session", 500, 10), handed);
        assert_eq!(slots.hand_over("handoff", "session", 500, 10), handed, "repeated");
        assert_eq!(slots.acquire("other", 500, Some(1), 100), FULL);
        assert_eq!(slots.release("session", 100), Release { is_released: true, load: 0 });
        assert_eq!(slots.release("session", 100), Release { is_released: false, load: 0 });
    }

    #[test]
    fn a_slot_that_has_ended_cannot_be_handed_over() {
        let mut slots = Slots::default();
        slots.acquire("handoff", 100, Some(1), 0);
        let gone = Release { is_released: false, load: 0 };
        assert_eq!(slots.hand_over("handoff", "session", 500, 100), gone);
    }
}
