//! Days: `tomorrow`, `next Friday`, `24 December`, `2026-12-01`, `24/12`, `in three days`.

use std::ops::Range;

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan as _};

use crate::words::number;

/// What a customer calls a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// A day of the calendar.
    Day(Date),
    /// A day that no calendar has, such as 31 February.
    Impossible(String),
}

/// A day in a text, and the words that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The day.
    pub(crate) named: Named,
    /// The words, counted from 0.
    pub(crate) words: Range<usize>,
}

/// One way of naming a day: what it names at the start of the words, and how many of them it takes.
type Form = fn(&[String], Date) -> Option<(Named, usize)>;

/// The first day that the words name, seen from today. A written date wins over a weekday beside it.
#[must_use]
pub(crate) fn find(words: &[String], today: Date) -> Option<Found> {
    let forms: [Form; 4] = [numeric, with_month, weekday, relative];
    forms.iter().find_map(|form| {
        (0..words.len()).find_map(|start| {
            let (named, length) = form(&words[start..], today)?;
            Some(Found { named, words: start..start + length })
        })
    })
}

/// The words without those of a found day.
#[must_use]
pub(crate) fn without(words: &[String], found: Option<&Found>) -> Vec<String> {
    // What stays is held apart, so that words on both sides do not seem to stand together.
    const GAP: &str = "|";
    let mut rest = words.to_vec();
    if let Some(found) = found {
        rest.splice(found.words.clone(), [GAP.to_owned()]);
    }
    rest
}

fn numeric(words: &[String], today: Date) -> Option<(Named, usize)> {
    let word = words.first()?;
    let parts = |mark: char| -> Option<Vec<i16>> {
        word.split(mark).map(|part| part.parse().ok()).collect()
    };
    let (year, month, day) = match (parts('-'), parts('/'), parts('.')) {
        (Some(iso), _, _) if iso.len() == 3 && 1_000 <= iso[0] => (Some(iso[0]), iso[1], iso[2]),
        (Some(date), _, _) | (_, Some(date), _) | (_, _, Some(date)) if date.len() == 3 => {
            let year = if date[2] < 100 { 2_000 + date[2] } else { date[2] };
            (Some(year), date[1], date[0])
        }
        (_, Some(date), _) if date.len() == 2 => (None, date[1], date[0]),
        _ => return None,
    };
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Some((on(year, month, day, today), 1))
}

fn with_month(words: &[String], today: Date) -> Option<(Named, usize)> {
    let (month, day, length) = match month(words.first()?) {
        Some(month) => {
            let skipped = usize::from(words.get(1).is_some_and(|word| word == "the"));
            let day = day_number(words.get(1 + skipped)?)?;
            (month, day, 2 + skipped + ordinal(words, 2 + skipped))
        }
        None => {
            let day = day_number(words.first()?)?;
            let after = 1 + ordinal(words, 1);
            let skipped = usize::from(words.get(after).is_some_and(|word| word == "of"));
            (month(words.get(after + skipped)?)?, day, after + skipped + 1)
        }
    };
    let year = words
        .get(length)
        .and_then(|word| word.parse::<i16>().ok())
        .filter(|year| (2_000..2_200).contains(year));
    Some((on(year, month, day, today), length + usize::from(year.is_some())))
}

fn relative(words: &[String], today: Date) -> Option<(Named, usize)> {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    let from_today = |span: Span| today.checked_add(span).ok().map(Named::Day);
    match word(0) {
        "today" | "tonight" => Some((Named::Day(today), 1)),
        "tomorrow" | "tmrw" | "tommorow" | "tomorow" | "tommorrow" => {
            Some((from_today(1.day())?, 1))
        }
        "day" if (word(1), word(2)) == ("after", "tomorrow") => Some((from_today(2.days())?, 3)),
        "in" => {
            let count = number(word(1)).filter(|count| *count <= 1_000)?;
            match word(2) {
                "day" | "days" => Some((from_today(count.days())?, 3)),
                "week" | "weeks" => Some((from_today(count.weeks())?, 3)),
                _ => None,
            }
        }
        "next" if word(1) == "week" && weekday_of(word(2)).is_none() => {
            let monday = week_start(today).checked_add(1.week()).ok()?;
            Some((Named::Day(monday), 2))
        }
        "the" if ordinal(words, 2) == 1 => {
            let day = day_number(word(1))?;
            let months =
                (0..12).filter_map(|month| today.first_of_month().checked_add(month.months()).ok());
            let mut days =
                months.filter_map(|first| Date::new(first.year(), first.month(), day).ok());
            days.find(|date| today <= *date).map(|date| (Named::Day(date), 3))
        }
        _ => None,
    }
}

fn weekday(words: &[String], today: Date) -> Option<(Named, usize)> {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    let next_week = week_start(today).checked_add(1.week()).ok()?;
    let of_next_week =
        |day: Weekday| next_week.checked_add(i64::from(day.to_monday_zero_offset()).days()).ok();
    if word(0) == "next" {
        let (day, length) = match word(1) {
            "week" => (weekday_of(word(2))?, 3),
            name => (weekday_of(name)?, 2),
        };
        return Some((Named::Day(of_next_week(day)?), length));
    }
    let day = weekday_of(word(0))?;
    if (word(1), word(2)) == ("next", "week") {
        return Some((Named::Day(of_next_week(day)?), 3));
    }
    let ahead = i64::from(today.weekday().until(day));
    let ahead = if ahead == 0 { 7 } else { ahead };
    Some((Named::Day(today.checked_add(ahead.days()).ok()?), 1))
}

/// A date of this year or, when that is past, of the next; unless the year is named.
fn on(year: Option<i16>, month: i8, day: i8, today: Date) -> Named {
    let years = year.map_or([today.year(), today.year().saturating_add(1)], |year| [year, year]);
    let mut dates = years.into_iter().filter_map(|year| Date::new(year, month, day).ok());
    let date = match year {
        Some(_) => dates.next(),
        None => dates.find(|date| today <= *date),
    };
    date.map_or_else(|| Named::Impossible(format!("{day}/{month}")), Named::Day)
}

fn week_start(date: Date) -> Date {
    date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).unwrap_or(date)
}

fn day_number(word: &str) -> Option<i8> {
    (word.len() <= 2).then(|| word.parse().ok()).flatten().filter(|day| (1..=99).contains(day))
}

fn ordinal(words: &[String], index: usize) -> usize {
    usize::from(
        words.get(index).is_some_and(|word| matches!(word.as_str(), "st" | "nd" | "rd" | "th")),
    )
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let is_name = |name: &str| {
        name == word || name[..3] == *word || (word == "sept" && name.starts_with(word))
    };
    let index = MONTHS.iter().position(|name| is_name(name))?;
    i8::try_from(index + 1).ok()
}

fn weekday_of(word: &str) -> Option<Weekday> {
    let day = match word.strip_suffix('s').unwrap_or(word) {
        "monday" | "mon" => Weekday::Monday,
        "tuesday" | "tue" => Weekday::Tuesday,
        "wednesday" | "wed" => Weekday::Wednesday,
        "thursday" | "thu" | "thur" => Weekday::Thursday,
        "friday" | "fri" => Weekday::Friday,
        "saturday" | "sat" => Weekday::Saturday,
        "sunday" | "sun" => Weekday::Sunday,
        _ => return None,
    };
    Some(day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::{Named, find, without};
    use crate::words::words;

    // A Saturday.
    const TODAY: Date = date(2026, 11, 21);

    #[test]
    fn days_are_understood_as_customers_write_them() {
        let cases = [
            ("today please", date(2026, 11, 21)),
            ("tomorrow", date(2026, 11, 22)),
            ("the day after tomorrow", date(2026, 11, 23)),
            ("on Friday at 3", date(2026, 11, 27)),
            ("Saturday", date(2026, 11, 28)),
            ("next Friday", date(2026, 11, 27)),
            ("Friday next week", date(2026, 11, 27)),
            ("next week", date(2026, 11, 23)),
            ("next week Tuesday", date(2026, 11, 24)),
            ("in three days", date(2026, 11, 24)),
            ("in 2 weeks", date(2026, 12, 5)),
            ("24 December", date(2026, 12, 24)),
            ("the 24th of December at 3pm", date(2026, 12, 24)),
            ("Dec 24", date(2026, 12, 24)),
            ("December the 24th, 2027", date(2027, 12, 24)),
            ("3 Jan", date(2027, 1, 3)),
            ("2026-12-01 10:00", date(2026, 12, 1)),
            ("1/12", date(2026, 12, 1)),
            ("01.12.2026", date(2026, 12, 1)),
            ("1/12/26", date(2026, 12, 1)),
            ("Friday 11 December", date(2026, 12, 11)),
            ("on the 25th", date(2026, 11, 25)),
            ("on the 3rd", date(2026, 12, 3)),
            ("tues", date(2026, 11, 24)),
        ];
        for (text, expected) in cases {
            let found = find(&words(text), TODAY).map(|found| found.named);
            assert_eq!(found, Some(Named::Day(expected)), "{text}");
        }
    }

    #[test]
    fn next_friday_on_a_monday_is_not_this_friday() {
        let monday = date(2026, 11, 23);
        let day = |text: &str| find(&words(text), monday).map(|found| found.named);
        assert_eq!(day("friday"), Some(Named::Day(date(2026, 11, 27))));
        assert_eq!(day("next friday"), Some(Named::Day(date(2026, 12, 4))));
        assert_eq!(day("monday"), Some(Named::Day(date(2026, 11, 30))));
    }

    #[test]
    fn a_day_that_no_calendar_has_is_told_apart_from_no_day() {
        for text in ["31 February", "2026-13-01", "32/1"] {
            let found = find(&words(text), TODAY).map(|found| found.named);
            assert!(matches!(found, Some(Named::Impossible(_))), "{text}: {found:?}");
        }
        for text in
            ["", "at 15:30", "2 bags for 8.50", "I may come", "in a hurry", "1 kg", "the second"]
        {
            assert_eq!(find(&words(text), TODAY), None, "{text}");
        }
    }

    #[test]
    fn the_words_of_a_day_can_be_taken_out() {
        let text = words("on 24 December at 3 pm");
        let found = find(&text, TODAY);
        assert_eq!(without(&text, found.as_ref()).join(" "), "on | at 3 pm");
    }
}
