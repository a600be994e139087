//! Days and times as customers write them.

pub(crate) mod day;
pub(crate) mod hour;

use jiff::civil::{Date, Time};

/// A day as customers read it: `Friday 27 November 2026`.
#[must_use]
pub(crate) fn spoken_day(date: Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

/// A time as customers read it: `15:30`.
#[must_use]
pub(crate) fn spoken_time(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

/// Several things as a sentence lists them: `a, b or c`.
#[must_use]
pub(crate) fn listed(parts: &[String], last: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., final_part] => format!("{} {last} {final_part}", first.join(", ")),
    }
}
