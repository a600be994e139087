//! Times as texts.

use chrono::{DateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(time_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(time_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_has_milliseconds_and_a_z() {
        assert_eq!(super::rfc3339(1_767_225_600_000), "2026-01-01T00:00:00.000Z");
    }
}
