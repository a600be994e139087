//! Times in JSON: RFC 3339, UTC, milliseconds.

use chrono::{DateTime, SecondsFormat};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Milliseconds since the epoch that appear in JSON as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(
    /// In milliseconds since the epoch.
    pub i64,
);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Time {
    /// A time as clients write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_utc_with_milliseconds() {
        assert_eq!(Time(1_767_225_600_000).to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(Time::parse("2026-01-01T01:00:00.5+01:00"), Some(Time(1_767_225_600_500)));
        assert_eq!(Time::parse("yesterday"), None);
    }
}
