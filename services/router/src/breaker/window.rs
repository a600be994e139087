//! The calls that finished of late, in ten buckets of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mode, Policy};

const BUCKETS: i64 = 10;

/// How many calls finished and how many of them failed, by bucket; empty in consecutive mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window {
    buckets: BTreeMap<i64, Tally>,
}

/// Finished calls, and those of them that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally(u64, u64);

impl Window {
    /// Counts a call that finished now, and forgets what is too long ago.
    pub(super) fn add(&mut self, policy: &Policy, is_success: bool, now_ms: i64) {
        let Mode::Window { window_ms, .. } = policy.mode else {
            return;
        };
        let bucket = now_ms.div_euclid((window_ms / BUCKETS).max(1));
        self.buckets.retain(|index, _| bucket - BUCKETS < *index);
        let tally = self.buckets.entry(bucket).or_default();
        tally.0 += 1;
        tally.1 += u64::from(!is_success);
    }

    /// All finished calls, and those of them that failed.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.buckets.values().fold((0, 0), |sum, tally| (sum.0 + tally.0, sum.1 + tally.1))
    }
}
