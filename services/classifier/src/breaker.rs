//! Whether a provider is worth calling: after some failures it is left alone for a time, then one call tries again.

/// Failures in a row after which the provider is left alone.
pub const FAILURES_MAX: u32 = 5;
/// For how long.
pub const REST_MS: i64 = 30_000;

/// What is known of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// It answers, or has failed this often in a row.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// It is left alone until then.
    Open {
        /// When the next call may try.
        until_ms: i64,
    },
    /// One call tries; if nothing is heard of it until then, another may.
    Probing {
        /// When the call is given up.
        until_ms: i64,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// The state of a breaker that lets a call of at most `limit_ms` pass, or none when it does not.
    #[must_use]
    pub fn admit(self, now_ms: i64, limit_ms: i64) -> Option<Self> {
        match self {
            Self::Closed { .. } => Some(self),
            Self::Open { until_ms } | Self::Probing { until_ms } if now_ms < until_ms => None,
            Self::Open { .. } | Self::Probing { .. } => {
                Some(Self::Probing { until_ms: now_ms.saturating_add(limit_ms) })
            }
        }
    }

    /// After an answer, whatever it said.
    #[must_use]
    pub fn answered(self) -> Self {
        Self::default()
    }

    /// After a call that brought no answer.
    #[must_use]
    pub fn failed(self, now_ms: i64) -> Self {
        match self {
            Self::Closed { failures } if failures + 1 < FAILURES_MAX => {
                Self::Closed { failures: failures + 1 }
            }
            // A call that was under way when it opened tells nothing new.
            Self::Open { .. } => self,
            Self::Closed { .. } | Self::Probing { .. } => {
                Self::Open { until_ms: now_ms.saturating_add(REST_MS) }
            }
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::Probing { .. } => "half_open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_open_it_and_one_call_closes_it_again() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            breaker = breaker.failed(0);
        }
        assert_eq!(breaker.answered(), Breaker::default(), "an answer ends the row");
        breaker = breaker.failed(1_000);
        assert_eq!(breaker, Breaker::Open { until_ms: 31_000 });
        assert_eq!(breaker.admit(30_999, 500), None);
        let probing = breaker.admit(31_000, 500).unwrap();
        assert_eq!((probing, probing.name()), (Breaker::Probing { until_ms: 31_500 }, "half_open"));
        assert_eq!(probing.admit(31_400, 500), None, "one call tries");
        assert!(
            probing.admit(31_500, 500).is_some(),
            "a call that was lost does not block for ever"
        );
        assert_eq!(probing.failed(31_100), Breaker::Open { until_ms: 61_100 });
        assert_eq!(probing.answered(), Breaker::default());
    }
}
