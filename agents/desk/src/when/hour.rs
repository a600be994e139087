//! Times of a day: `3pm`, `15:30`, `half past ten`, `noon`, `in the morning`, `after 2`, `between 2 and 4`.

use jiff::civil::{Time, time};

use crate::words::number;

/// Before this hour a customer without `am` means the afternoon: nobody's shop is open then.
const AFTERNOON_BELOW: i8 = 8;
const DAY_START: Time = time(0, 0, 0, 0);
const NOON: Time = time(12, 0, 0, 0);
const EVENING: Time = time(17, 0, 0, 0);
const DAY_END: Time = time(23, 59, 0, 0);

/// What a customer wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// This time.
    At(Time),
    /// Any time from the first to the second.
    Within(Time, Time),
}

/// The time that the words wish. A bare number counts only when a time `is_expected`.
#[must_use]
pub(crate) fn find(words: &[String], is_expected: bool) -> Option<Wish> {
    let wishes = (0..words.len()).find_map(|start| bounded(&words[start..]));
    let clock = || {
        (0..words.len()).find_map(|start| certain(&words[start..], is_bare_allowed(words, start)))
    };
    let expected = || {
        let is_short = words.len() <= 4;
        (is_expected && is_short)
            .then(|| words.iter().find_map(|word| bare(word)).map(Wish::At))
            .flatten()
    };
    wishes.or_else(clock).or_else(expected).or_else(|| part_of_day(words))
}

/// `after 2`, `before 11:30`, `between 2 and 4`.
fn bounded(words: &[String]) -> Option<Wish> {
    match words.first()?.as_str() {
        "after" => Some(Wish::Within(clock_time(&words[1..], true)?.0, DAY_END)),
        "before" | "until" => Some(Wish::Within(DAY_START, clock_time(&words[1..], true)?.0)),
        "between" => {
            let (from, length) = clock_time(&words[1..], true)?;
            let rest = words.get(1 + length..)?;
            let is_joined = rest.first().is_some_and(|word| word == "and" || word == "to");
            let (until, _) = clock_time(rest.get(usize::from(is_joined)..)?, true)?;
            (from < until).then_some(Wish::Within(from, until))
        }
        _ => None,
    }
}

fn certain(words: &[String], is_bare_allowed: bool) -> Option<Wish> {
    clock_time(words, is_bare_allowed).map(|(time, _)| Wish::At(time))
}

fn is_bare_allowed(words: &[String], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|index| words.get(index));
    before.is_some_and(|word| {
        matches!(word.as_str(), "at" | "around" | "about" | "by" | "from" | "for")
    }) && !words.get(start + 1).is_some_and(|word| is_unit(word))
}

/// What may follow a number that is not a time: `for 2 bags`, `about 30 minutes`.
fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 14] = [
        "minutes", "minute", "hours", "hour", "people", "persons", "person", "bags", "kg", "g",
        "days", "weeks", "euro", "machines",
    ];
    UNITS.contains(&word)
}

/// A time at the start of the words and how many of them it takes.
fn clock_time(words: &[String], is_bare_allowed: bool) -> Option<(Time, usize)> {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    match word(0) {
        "noon" | "midday" => return Some((NOON, 1)),
        "half" if word(1) == "past" => {
            return beside(&words[2..], 30).map(|(time, n)| (time, n + 2));
        }
        "quarter" if word(1) == "past" => {
            return beside(&words[2..], 15).map(|(time, n)| (time, n + 2));
        }
        "quarter" if word(1) == "to" => {
            return beside(&words[2..], -15).map(|(time, n)| (time, n + 2));
        }
        _ => {}
    }
    let (hour, minute, is_written) = hour_and_minute(word(0))?;
    let (shift, length) = half_of_day(&words[1..]);
    match shift {
        Some(is_afternoon) => {
            let hour = hour % 12 + if is_afternoon { 12 } else { 0 };
            Some((Time::new(hour, minute, 0, 0).ok()?, 1 + length))
        }
        None if word(1) == "oclock" => Some((guessed(hour, minute)?, 2)),
        None if is_written && word(0).len() == 5 => Some((Time::new(hour, minute, 0, 0).ok()?, 1)),
        None if is_written || is_bare_allowed => Some((guessed(hour, minute)?, 1)),
        None => None,
    }
}

fn beside(words: &[String], minutes: i64) -> Option<(Time, usize)> {
    let (time, length) = clock_time(words, true)?;
    Some((time.checked_add(jiff::SignedDuration::from_mins(minutes)).ok()?, length))
}

/// Hour, minute, and whether both were written.
fn hour_and_minute(word: &str) -> Option<(i8, i8, bool)> {
    if let Some((hour, minute)) = word.split_once([':', '.']) {
        let is_clock = minute.len() == 2 && hour.len() <= 2;
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        return (is_clock && hour < 24 && minute < 60).then_some((hour, minute, true));
    }
    let hour = number(word).filter(|_| word != "a" && word != "an")?;
    if word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        let (hour, minute) = (i8::try_from(hour / 100).ok()?, i8::try_from(hour % 100).ok()?);
        return (hour < 24 && minute < 60).then_some((hour, minute, false));
    }
    i8::try_from(hour).ok().filter(|hour| (0..24).contains(hour)).map(|hour| (hour, 0, false))
}

/// Whether `am` (false) or `pm` (true) follows, and how many words say so.
fn half_of_day(words: &[String]) -> (Option<bool>, usize) {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    match (word(0), word(1)) {
        ("am", _) => (Some(false), 1),
        ("pm", _) => (Some(true), 1),
        ("a", "m") => (Some(false), 2),
        ("p", "m") => (Some(true), 2),
        _ => (None, 0),
    }
}

fn bare(word: &str) -> Option<Time> {
    let (hour, minute, _) = hour_and_minute(word)?;
    guessed(hour, minute)
}

fn guessed(hour: i8, minute: i8) -> Option<Time> {
    let hour = if (1..AFTERNOON_BELOW).contains(&hour) { hour + 12 } else { hour };
    Time::new(hour, minute, 0, 0).ok()
}

fn part_of_day(words: &[String]) -> Option<Wish> {
    words.iter().find_map(|word| match word.as_str() {
        "morning" => Some(Wish::Within(DAY_START, NOON)),
        "afternoon" => Some(Wish::Within(NOON, EVENING)),
        "evening" | "tonight" => Some(Wish::Within(EVENING, DAY_END)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::{DAY_END, DAY_START, EVENING, NOON, Wish, find};
    use crate::words::words;

    #[test]
    fn times_are_understood_as_customers_write_them() {
        let cases = [
            ("at 3pm", 15, 0),
            ("3 p.m. would be fine", 15, 0),
            ("15:30", 15, 30),
            ("at 15.30", 15, 30),
            ("at 3:30", 15, 30),
            ("09:30", 9, 30),
            ("10am", 10, 0),
            ("12 pm", 12, 0),
            ("12am", 0, 0),
            ("at 4", 16, 0),
            ("around ten", 10, 0),
            ("noon", 12, 0),
            ("half past 3", 15, 30),
            ("quarter to eleven", 10, 45),
            ("quarter past 2", 14, 15),
            ("5 o'clock", 17, 0),
            ("at 1430", 14, 30),
            ("book a demo | at 5 pm", 17, 0),
        ];
        for (text, hour, minute) in cases {
            let expected = Some(Wish::At(time(hour, minute, 0, 0)));
            assert_eq!(find(&words(text), false), expected, "{text}");
        }
    }

    #[test]
    fn a_wish_can_be_a_part_of_the_day() {
        let at = |hour| time(hour, 0, 0, 0);
        let cases = [
            ("in the morning", Wish::Within(DAY_START, NOON)),
            ("Friday afternoon", Wish::Within(NOON, EVENING)),
            ("this evening", Wish::Within(EVENING, DAY_END)),
            ("after 2", Wish::Within(at(14), DAY_END)),
            ("before 11", Wish::Within(DAY_START, at(11))),
            ("between 2 and 4 pm", Wish::Within(at(14), at(16))),
        ];
        for (text, expected) in cases {
            assert_eq!(find(&words(text), false), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_a_time_only_when_one_was_asked_for() {
        assert_eq!(find(&words("10"), true), Some(Wish::At(time(10, 0, 0, 0))));
        assert_eq!(find(&words("10"), false), None);
        for text in ["2 machines", "for 2 bags", "order 10482", "25:99", "a visit"] {
            assert_eq!(find(&words(text), false), None, "{text}");
        }
    }
}
