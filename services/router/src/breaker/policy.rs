//! When a breaker opens, how long it stays open, and how it is probed.

use super::Window;

/// The settings of all breakers.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Off: every call passes and nothing is counted.
    pub enabled: bool,
    /// The rules of the machine.
    pub policy: Policy,
    /// How often the local copy of shared breakers is refreshed.
    pub sync_interval_ms: i64,
}

/// The rules of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// What opens it.
    pub mode: Mode,
    /// How long it stays open the first time.
    pub reset_timeout_ms: i64,
    /// The most that the wait may be multiplied by.
    pub max_backoff: u32,
    /// How many probes must succeed, and how many may be under way.
    pub half_open_max_calls: u32,
    /// How long the probes may take together.
    pub half_open_timeout_ms: i64,
}

/// What opens a breaker.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// So many failures in a row.
    Consecutive {
        /// The number of failures.
        failure_threshold: u32,
    },
    /// So large a share of failures among the calls of late.
    Window {
        /// How far back calls count.
        window_ms: i64,
        /// How many calls must have finished before the share means anything.
        min_calls: u64,
        /// The share of failures, 0 to 1.
        failure_rate: f64,
    },
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { enabled: true, policy: Policy::default(), sync_interval_ms: 5_000 }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Consecutive { failure_threshold: 5 },
            reset_timeout_ms: 30_000,
            max_backoff: 8,
            half_open_max_calls: 3,
            half_open_timeout_ms: 60_000,
        }
    }
}

impl Policy {
    /// How long it stays open.
    pub(super) fn wait_ms(&self, multiplier: u32) -> i64 {
        self.reset_timeout_ms.saturating_mul(i64::from(multiplier))
    }

    /// The multiplier after a probe failed.
    pub(super) fn grown(&self, multiplier: u32) -> u32 {
        multiplier.saturating_mul(2).min(self.max_backoff)
    }

    /// Whether so many failures in a row, or this window, open it. Only a failure can.
    pub(super) fn is_too_much(&self, failures: u32, window: &Window) -> bool {
        match self.mode {
            Mode::Consecutive { failure_threshold } => failure_threshold <= failures,
            Mode::Window { min_calls, failure_rate, .. } => {
                let (finished, failed) = window.totals();
                0 < failed
                    && min_calls <= finished
                    && failure_rate * finished as f64 <= failed as f64
            }
        }
    }
}
