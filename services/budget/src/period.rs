//! When an account starts anew: UTC calendar periods (weeks start on Monday) or a cron expression.

use chrono::{DateTime, Datelike as _, Days, Months, TimeDelta, TimeZone as _, Timelike as _, Utc};
use croner::Cron;
use std::str::FromStr as _;

/// One period of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name, unique within the account.
    pub id: String,
    /// When the next begins, if one does by itself.
    pub end_ms: Option<i64>,
}

/// Whether a period can be read.
#[must_use]
pub fn is_valid(period: &str) -> bool {
    matches!(period, "none" | "hourly" | "daily" | "weekly" | "monthly")
        || Cron::from_str(period).is_ok()
}

/// The period that holds a time, after so many resets. A period that cannot be read never ends.
#[must_use]
pub fn at(period: &str, now_ms: i64, resets: i64) -> Period {
    if period == "none" {
        return Period { id: numbered("none".to_owned(), resets), end_ms: None };
    }
    let now = Utc.timestamp_millis_opt(now_ms).single().unwrap_or_default();
    let hour = now.date_naive().and_hms_opt(now.hour(), 0, 0).map(|time| time.and_utc());
    let day = now.date_naive().and_hms_opt(0, 0, 0).map(|time| time.and_utc()).unwrap_or(now);
    let ends = |end: Option<DateTime<Utc>>| end.map(|end| end.timestamp_millis());
    let (id, end_ms) = match period {
        "hourly" => (
            now.format("%Y-%m-%dT%H").to_string(),
            ends(hour.map(|hour| hour + TimeDelta::hours(1))),
        ),
        "daily" => (now.format("%Y-%m-%d").to_string(), ends(day.checked_add_days(Days::new(1)))),
        "weekly" => {
            let left = 7 - u64::from(now.weekday().num_days_from_monday());
            (now.format("%G-W%V").to_string(), ends(day.checked_add_days(Days::new(left))))
        }
        "monthly" => {
            let first = day.with_day(1).unwrap_or(day);
            (now.format("%Y-%m").to_string(), ends(first.checked_add_months(Months::new(1))))
        }
        _ => cron(period, now),
    };
    Period { id: numbered(id, resets), end_ms }
}

fn numbered(id: String, resets: i64) -> String {
    if resets == 0 { id } else { format!("{id}#{resets}") }
}

fn cron(period: &str, now: DateTime<Utc>) -> (String, Option<i64>) {
    let next =
        Cron::from_str(period).ok().and_then(|cron| cron.find_next_occurrence(&now, false).ok());
    match next {
        // A period is named by its end: the occurrence that began it may lie before the definition.
        Some(next) => {
            (format!("until-{}", next.format("%Y-%m-%dT%H:%M:%SZ")), Some(next.timestamp_millis()))
        }
        None => ("none".to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
    }

    #[test]
    fn periods_are_those_of_the_calendar_in_utc() {
        let now = ms("2026-12-31T23:30:00Z");
        let cases = [
            ("none", "none", None),
            ("hourly", "2026-12-31T23", Some("2027-01-01T00:00:00Z")),
            ("daily", "2026-12-31", Some("2027-01-01T00:00:00Z")),
            ("weekly", "2026-W53", Some("2027-01-04T00:00:00Z")),
            ("monthly", "2026-12", Some("2027-01-01T00:00:00Z")),
            ("0 9 * * *", "until-2027-01-01T09:00:00Z", Some("2027-01-01T09:00:00Z")),
        ];
        for (period, id, end) in cases {
            let expected = Period { id: id.to_owned(), end_ms: end.map(ms) };
            assert_eq!(at(period, now, 0), expected, "{period}");
            assert!(is_valid(period), "{period}");
        }
        assert!(!is_valid("fortnightly"));
    }

    #[test]
    fn a_reset_begins_another_period() {
        assert_eq!(at("daily", ms("2026-01-01T00:00:00Z"), 2).id, "2026-01-01#2");
    }
}
