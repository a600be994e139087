//! Opening hours and closed days.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Deserializer, de};

/// A time of a day from which and until which the shop is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The door opens.
    pub(crate) from: Time,
    /// The door closes.
    pub(crate) until: Time,
}

impl Span {
    /// Reads `09:30-18:00`.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let span = Self { from: clock(from.trim())?, until: clock(until.trim())? };
        (span.from < span.until).then_some(span)
    }
}

fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_clock = hour.len() == 2 && minute.len() == 2;
    if !is_clock {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from.strftime("%H:%M"), self.until.strftime("%H:%M"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let message = || format!("`{text}` is not a span of hours such as 09:30-18:00");
        Self::parse(&text).ok_or_else(|| de::Error::custom(message()))
    }
}

/// Opening hours of each day of the week.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Week {
    monday: Vec<Span>,
    tuesday: Vec<Span>,
    wednesday: Vec<Span>,
    thursday: Vec<Span>,
    friday: Vec<Span>,
    saturday: Vec<Span>,
    sunday: Vec<Span>,
}

impl Week {
    /// The hours of a day; empty when the shop is closed.
    #[must_use]
    pub(crate) fn spans(&self, day: Weekday) -> &[Span] {
        match day {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        }
    }
}

/// A day or some days on which the shop is closed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClosedDay {
    day: Day,
    #[serde(default)]
    until: Option<Day>,
    /// Why, as a customer is told.
    pub(crate) reason: String,
}

impl ClosedDay {
    /// The first of these days that is not over.
    #[must_use]
    pub(crate) fn next(&self, today: Date) -> Option<Date> {
        const YEARS_MAX: usize = 366 * 9;
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok());
        days.take(YEARS_MAX).find(|day| self.covers(*day))
    }

    /// Whether a day is one of them.
    #[must_use]
    pub(crate) fn covers(&self, date: Date) -> bool {
        match (self.day, self.until) {
            (Day::EachYear { month, day }, _) => (date.month(), date.day()) == (month, day),
            (Day::Once(from), Some(Day::Once(until))) => (from..=until).contains(&date),
            (Day::Once(day), _) => day == date,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    EachYear { month: i8, day: i8 },
    Once(Date),
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A leap year, so that 29 February can be a closed day.
        const LEAP_YEAR: &str = "2028-";
        let text = String::deserialize(deserializer)?;
        let each_year =
            || format!("{LEAP_YEAR}{text}").parse::<Date>().ok().filter(|_| text.len() == 5);
        if let Ok(date) = text.parse::<Date>() {
            return Ok(Self::Once(date));
        }
        match each_year() {
            Some(date) => Ok(Self::EachYear { month: date.month(), day: date.day() }),
            None => Err(de::Error::custom(format!(
                "`{text}` is not a day such as 2026-12-24, or 12-24 for every year"
            ))),
        }
    }
}
