//! How long to wait before another attempt (contract, section 15.2).

use std::time::Duration;

/// How many attempts may follow the first.
pub(super) const RETRIES_MAX: u32 = 3;

const WAIT_FIRST_MS: f64 = 100.0;
const WAIT_MAX_MS: f64 = 10_000.0;

/// The wait before the retry of this number, counted from 0: a random part of a time that doubles.
pub(super) fn wait(retry: u32) -> Duration {
    let longest = (WAIT_FIRST_MS * f64::from(2_u32.saturating_pow(retry))).min(WAIT_MAX_MS);
    Duration::from_secs_f64(rand::random::<f64>() * longest / 1_000.0)
}
