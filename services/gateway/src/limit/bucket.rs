//! A token bucket: it starts full, refills continuously, and each request takes one token.
//!
//! Everything is whole numbers. A token is worth `window_ms` parts, and `max` parts flow back in each millisecond, so that
//! a window brings back exactly `max` tokens.

use crate::config::Rate;

/// What is missing from a bucket, as of a time. A bucket that nobody knows misses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// Parts that have been taken and have not flowed back.
    pub(crate) missing: i64,
    /// When that was so.
    pub(crate) at_ms: i64,
}

/// What a bucket says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether there was a token.
    pub(crate) is_allowed: bool,
    /// The size of the bucket.
    pub(crate) limit: i64,
    /// Whole tokens that are left.
    pub(crate) remaining: i64,
    /// When a full window has passed, in seconds since the epoch.
    pub(crate) reset_s: i64,
    /// Seconds until there is a token; at least 1.
    pub(crate) retry_after_s: i64,
}

impl Level {
    /// Takes a token, if there is one.
    pub(crate) fn take(self, rate: Rate, now_ms: i64) -> (Self, Verdict) {
        let before = self.refilled(rate, now_ms);
        let is_allowed = before + rate.window_ms <= full(rate);
        let missing = if is_allowed { before + rate.window_ms } else { before };
        (
            Self { missing, at_ms: now_ms.max(self.at_ms) },
            verdict(rate, is_allowed, missing, now_ms),
        )
    }

    /// When nothing is missing any more.
    pub(crate) fn full_at_ms(self, rate: Rate) -> i64 {
        self.at_ms + ceil(self.missing, rate.max)
    }

    /// What is missing now. A clock that goes backwards brings nothing back.
    fn refilled(self, rate: Rate, now_ms: i64) -> i64 {
        let elapsed = (now_ms - self.at_ms).clamp(0, rate.window_ms);
        (self.missing - elapsed * rate.max).max(0)
    }
}

/// What a bucket says that misses this much.
pub(super) fn verdict(rate: Rate, is_allowed: bool, missing: i64, now_ms: i64) -> Verdict {
    let left = (full(rate) - missing).max(0);
    let lacking_ms = ceil((rate.window_ms - left).max(0), rate.max);
    Verdict {
        is_allowed,
        limit: rate.max,
        remaining: left / rate.window_ms,
        reset_s: ceil(now_ms + rate.window_ms, 1_000),
        retry_after_s: ceil(lacking_ms, 1_000).max(1),
    }
}

fn full(rate: Rate) -> i64 {
    rate.max * rate.window_ms
}

fn ceil(amount: i64, unit: i64) -> i64 {
    amount.div_euclid(unit) + i64::from(amount.rem_euclid(unit) != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOLDEN: Rate = Rate { max: 100, window_ms: 900_000 };

    fn emptied(now_ms: i64) -> Level {
        (0..100).fold(Level::default(), |level, call| {
            let (level, verdict) = level.take(GOLDEN, now_ms);
            assert!(verdict.is_allowed, "call {call} of 100 passes");
            assert_eq!(verdict.remaining, 99 - call);
            level
        })
    }

    #[test]
    fn a_hundred_calls_pass_and_the_next_is_told_to_wait_nine_seconds() {
        let (_, verdict) = emptied(0).take(GOLDEN, 0);
        assert!(!verdict.is_allowed);
        assert_eq!((verdict.remaining, verdict.retry_after_s), (0, 9));
        assert_eq!(verdict.reset_s, 900);
    }

    #[test]
    fn with_half_a_token_it_is_five_seconds() {
        let (_, verdict) = emptied(0).take(GOLDEN, 4_500);
        assert!(!verdict.is_allowed);
        assert_eq!(verdict.retry_after_s, 5);
        assert_eq!(verdict.reset_s, 905, "904.5 rounds up");
    }

    #[test]
    fn a_token_flows_back_every_nine_seconds_and_no_sooner() {
        let level = emptied(0);
        assert!(!level.take(GOLDEN, 8_999).1.is_allowed);
        let (level, verdict) = level.take(GOLDEN, 9_000);
        assert!(verdict.is_allowed);
        assert!(!level.take(GOLDEN, 9_000).1.is_allowed);
        assert_eq!(level.full_at_ms(GOLDEN), 909_000);
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let level = emptied(0);
        let refused = (0..50).fold(level, |level, call| level.take(GOLDEN, call * 100).0);
        assert!(refused.take(GOLDEN, 9_000).1.is_allowed, "asking does not push the token away");
    }

    #[test]
    fn a_clock_that_goes_backwards_gives_nothing_away() {
        let level = emptied(1_000_000);
        let (level, verdict) = level.take(GOLDEN, 0);
        assert!(!verdict.is_allowed);
        assert_eq!(level.at_ms, 1_000_000);
    }

    proptest! {
        #[test]
        fn no_span_of_time_admits_more_than_its_share(
            max in 1_i64..50,
            window_ms in 1_000_i64..20_000,
            steps in prop::collection::vec(0_i64..3_000, 1..200),
        ) {
            let rate = Rate { max, window_ms };
            let (mut level, mut now_ms, mut admitted) = (Level::default(), 0, 0);
            for step in steps {
                now_ms += step;
                let (next, verdict) = level.take(rate, now_ms);
                level = next;
                admitted += i64::from(verdict.is_allowed);
                prop_assert!(verdict.remaining < max);
                prop_assert!((admitted - max) * window_ms <= now_ms * max, "the bucket and what flowed in");
            }
        }

        #[test]
        fn who_waits_as_told_gets_a_token(max in 1_i64..1_000, window_ms in 1_000_i64..900_000) {
            let rate = Rate { max, window_ms };
            let level = (0..max).fold(Level::default(), |level, _| level.take(rate, 0).0);
            let (level, verdict) = level.take(rate, 0);
            prop_assert!(!verdict.is_allowed);
            prop_assert!(level.take(rate, verdict.retry_after_s * 1_000).1.is_allowed);
        }
    }
}
