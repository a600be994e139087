//! What a message adds to a visit in the making.

use jiff::civil::{Date, Time};

use super::draft::{Draft, Goal, Missing};
use super::name;
use crate::ask::Ask;
use crate::lexicon::{Called, Phrase};
use crate::when::day::{self, Named};
use crate::when::hour::{self, Wish};
use crate::words::{find, says, stems, words};

/// A message, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Understood {
    /// The draft with what the message adds.
    pub(crate) draft: Draft,
    /// Services that fit the words equally well, when there are several.
    pub(crate) services: Vec<String>,
    /// A day that no calendar has.
    pub(crate) impossible_day: Option<String>,
    /// Whether the message told anything at all.
    pub(crate) is_told: bool,
    /// Whether the customer lets go of a visit that is not made yet.
    pub(crate) is_given_up: bool,
}

/// Letters and digits of a reference: none that look alike.
pub(crate) const REFERENCE_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// How many of them a reference has, after `B-`.
pub(crate) const REFERENCE_LENGTH: usize = 6;

/// Reads a message into a draft. Under a new handoff, what the message leaves out is taken from what was said before.
#[must_use]
pub(crate) fn understand(ask: &Ask<'_>, draft: Draft, is_new: bool) -> Understood {
    let mut understood = read(ask, ask.text(), draft);
    if is_new {
        for said in ask.message.said_before() {
            let before = read(ask, said, Draft::default()).draft;
            let draft = &mut understood.draft;
            draft.service = draft.service.take().or(before.service);
            draft.date = draft.date.or(before.date.filter(|date| ask.today() <= *date));
            draft.time = draft.time.or(before.time);
            draft.within = draft.within.or(before.within);
            draft.name = draft.name.take().or(before.name);
            draft.reference = draft.reference.take().or(before.reference);
        }
    }
    if understood.draft.name.is_none() {
        understood.draft.name = ask.customer_name().map(str::to_owned);
    }
    understood
}

fn read(ask: &Ask<'_>, text: &str, mut draft: Draft) -> Understood {
    let text_words = words(text);
    let was = draft.clone();
    let reference = reference(text);
    let is_given_up = gives_up(&text_words, &draft, reference.as_deref());
    draft.goal = goal(&text_words, &draft, reference.as_deref());
    let name = name::find(text, draft.asked == Some(Missing::Name));
    draft.reference = reference.or(draft.reference);
    let (service, services) = service(ask, text, &draft);
    draft.service = service.or(draft.service);
    let found = day::find(&text_words, ask.today());
    let rest = day::without(&text_words, found.as_ref());
    let mut impossible_day = None;
    match found.map(|found| found.named) {
        Some(Named::Day(date)) => set_day(&mut draft, date),
        Some(Named::Impossible(day)) => {
            draft.date = None;
            impossible_day = Some(day);
        }
        None if says(&text_words, &["another day", "different day", "other day"]) => {
            draft.date = None;
        }
        None => {}
    }
    set_time(&mut draft, &text_words, &rest);
    draft.name = name.or(draft.name);
    let is_told = draft != was || impossible_day.is_some() || !services.is_empty();
    Understood { draft, services, impossible_day, is_told, is_given_up }
}

fn set_day(draft: &mut Draft, date: Date) {
    if draft.date.is_some_and(|known| known != date) {
        draft.time = None;
    }
    draft.date = Some(date);
}

/// The time that is named for certain, else the one chosen of those offered, else a bare number that answers the
/// question for it. `rest` is the text without the words of a day.
fn set_time(draft: &mut Draft, text: &[String], rest: &[String]) {
    const AGREED: [&str; 9] =
        ["yes", "ok", "okay", "sure", "perfect", "fine", "any", "anything", "whatever"];
    let is_expected = draft.asked == Some(Missing::Time);
    let wish = hour::find(rest, false);
    let chosen = wish.is_none().then(|| chosen(draft, text)).flatten();
    match wish.or_else(|| hour::find(rest, is_expected && chosen.is_none())) {
        Some(Wish::At(time)) => draft.time = Some(time),
        Some(Wish::Within(from, until)) => (draft.time, draft.within) = (None, Some((from, until))),
        None => {
            let agreed = || is_choosing(draft) && says(text, &AGREED);
            let moment = chosen.or_else(|| draft.offered.first().copied().filter(|_| agreed()));
            if let Some((date, time)) = moment {
                (draft.date, draft.time) = (Some(date), Some(time));
            }
        }
    }
}

/// `the first one`, `the earliest`: one of the times that were offered.
fn chosen(draft: &Draft, text: &[String]) -> Option<(Date, Time)> {
    const FIRST: [&str; 5] = ["first", "earliest", "soonest", "asap", "as soon as possible"];
    let index = match () {
        () if !is_choosing(draft) => return None,
        () if says(text, &["second"]) => 1,
        () if says(text, &["third"]) => 2,
        () if says(text, &["last", "latest"]) => draft.offered.len().checked_sub(1)?,
        () if says(text, &FIRST) => 0,
        () => return None,
    };
    draft.offered.get(index).copied()
}

fn is_choosing(draft: &Draft) -> bool {
    matches!(draft.asked, Some(Missing::Time | Missing::Day))
}

fn goal(text: &[String], draft: &Draft, reference: Option<&str>) -> Goal {
    const CANCEL: [&str; 9] = [
        "cancel",
        "call off",
        "cant make it",
        "cannot make it",
        "cant come",
        "cannot come",
        "not able to come",
        "delete",
        "cancellation",
    ];
    const MOVE: [&str; 13] = [
        "move",
        "reschedule",
        "rebook",
        "postpone",
        "shift",
        "change my",
        "change the",
        "push",
        "another time",
        "different time",
        "another day",
        "different day",
        "bring forward",
    ];
    const BOOK: [&str; 6] =
        ["book", "new appointment", "make an appointment", "new booking", "reserve", "schedule"];
    const TELL: [&str; 9] = [
        "when is my",
        "what time is my",
        "when was my",
        "my appointments",
        "my bookings",
        "my visits",
        "look up my",
        "details of my",
        "confirm my",
    ];
    let is_making = draft.goal == Goal::Book && draft.is_begun() && reference.is_none();
    if says(text, &CANCEL) && (!is_making || names_a_visit(text)) {
        Goal::Cancel
    } else if says(text, &MOVE) && !is_making {
        Goal::Move
    } else if says(text, &BOOK) && reference.is_none() {
        Goal::Book
    } else if says(text, &TELL) || (reference.is_some() && draft.goal == Goal::Book) {
        Goal::Tell
    } else {
        draft.goal
    }
}

fn gives_up(text: &[String], draft: &Draft, reference: Option<&str>) -> bool {
    const GIVE_UP: [&str; 10] = [
        "never mind",
        "nevermind",
        "forget it",
        "forget about it",
        "stop",
        "cancel",
        "not anymore",
        "changed my mind",
        "no longer",
        "dont want",
    ];
    let is_making = draft.is_begun() && reference.is_none() && draft.reference.is_none();
    is_making
        && says(text, &GIVE_UP)
        && !names_a_visit(text)
        && !(draft.goal == Goal::Cancel && says(text, &["cancel"]))
}

fn names_a_visit(text: &[String]) -> bool {
    says(
        text,
        &[
            "my appointment",
            "my booking",
            "my visit",
            "my reservation",
            "an appointment",
            "a booking",
            "a visit",
            "appointment on",
            "my class",
        ],
    )
}

/// The service that the words name; or several that they fit equally well.
fn service(ask: &Ask<'_>, text: &str, draft: &Draft) -> (Option<String>, Vec<String>) {
    let text = stems(text);
    let services = ask.business.services.all.iter().zip(&ask.lexicon.services);
    let scored = services.map(|(service, called)| (fit(called, &text), service));
    let scored: Vec<_> = scored.filter(|(score, _)| 0 < *score).collect();
    let best = scored.iter().map(|(score, _)| *score).max();
    let fitting = scored.iter().filter(|(score, _)| Some(*score) == best);
    let fitting: Vec<_> = fitting.map(|(_, service)| service.id.clone()).collect();
    match fitting.as_slice() {
        [] => (None, Vec::new()),
        [only] => (Some(only.clone()), Vec::new()),
        _ if draft.service.as_ref().is_some_and(|known| fitting.contains(known)) => {
            (None, Vec::new())
        }
        _ => (None, fitting),
    }
}

/// How well words fit a service: phrases that stand whole in them count most, then words that only its name has.
fn fit(called: &Called, text: &[String]) -> usize {
    let is_in = |phrase: &&Phrase| phrase.iter().all(|stem| text.contains(stem));
    let weight = |phrase: &Phrase| 4 * phrase.len() + usize::from(find(text, phrase).is_some());
    let whole = called.phrases.iter().filter(is_in).map(weight).max();
    let own = called.own.iter().filter(|stem| text.contains(stem)).count();
    whole.unwrap_or(0) + own
}

/// A reference such as `B-K7M2QD`, in any case, with or without the dash.
fn reference(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    let mut rest = upper.as_str();
    while let Some(start) = rest.find('B') {
        let is_start = !rest[..start].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = &rest[start + 1..];
        let code = after.strip_prefix(['-', ' ', '\u{2013}']).unwrap_or(after);
        let length = code.bytes().take_while(|byte| REFERENCE_ALPHABET.contains(byte)).count();
        let ends = !code[length..].starts_with(char::is_alphanumeric);
        let is_dashed = after.starts_with(['-', '\u{2013}']);
        if is_start
            && ends
            && length == REFERENCE_LENGTH
            && (is_dashed || code.bytes().any(|byte| byte.is_ascii_digit()))
        {
            return Some(format!("B-{}", &code[..length]));
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests;
