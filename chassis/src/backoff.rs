//! How long to wait before another attempt (contract, section 15.2).

use chrono::DateTime;

const FIRST_MS: i64 = 100;
const LONGEST_MS: i64 = 10_000;

/// The wait before the attempt that follows retry number `retries`: a share of a doubling limit, so that many callers
/// spread out, and at least what the called one asks for.
#[must_use]
pub fn wait_ms(retries: u32, share: f64, retry_after_ms: Option<i64>) -> i64 {
    let doubled = FIRST_MS.checked_shl(retries.min(16)).unwrap_or(LONGEST_MS);
    let limit_ms = doubled.min(LONGEST_MS);
    let jittered = (limit_ms as f64 * share.clamp(0.0, 1.0)) as i64;
    jittered.max(retry_after_ms.unwrap_or(0))
}

/// The value of a `Retry-After` header: seconds, or a date.
#[must_use]
pub fn retry_after_ms(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(i64::from(seconds) * 1_000);
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.timestamp_millis() - now_ms).max(0))
}

#[cfg(test)]
mod tests {
    use super::{retry_after_ms, wait_ms};

    #[test]
    fn the_wait_doubles_up_to_ten_seconds_and_is_spread() {
        let limits: Vec<i64> = (0..9).map(|retries| wait_ms(retries, 1.0, None)).collect();
        assert_eq!(limits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(wait_ms(u32::MAX, 1.0, None), 10_000);
        assert_eq!(wait_ms(3, 0.25, None), 200);
        assert_eq!(wait_ms(3, 0.0, None), 0);
    }

    #[test]
    fn the_called_one_may_ask_for_more_but_not_for_less() {
        assert_eq!(wait_ms(0, 1.0, Some(2_000)), 2_000);
        assert_eq!(wait_ms(3, 1.0, Some(10)), 800);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now_ms = 1_767_225_600_000; // 2026-01-01T00:00:00Z
        assert_eq!(retry_after_ms(" 7 ", now_ms), Some(7_000));
        assert_eq!(retry_after_ms("Thu, 01 Jan 2026 00:00:05 GMT", now_ms), Some(5_000));
        assert_eq!(retry_after_ms("Wed, 31 Dec 2025 23:59:00 GMT", now_ms), Some(0));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after_ms(nonsense, now_ms), None, "{nonsense:?}");
        }
    }
}
