//! Sentences of messages: Unicode's boundaries, without those inside dates and after titles.

use proto::v1::Entry;
use unicode_segmentation::UnicodeSegmentation as _;

use super::lexicon::{is_abbreviation, starts_with_month};

/// A sentence and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sentence<'a> {
    /// Its text, without space around it.
    pub(super) text: &'a str,
    /// The message it is from, as a position in the history.
    pub(super) message: usize,
    /// Where it begins in the message.
    pub(super) start: usize,
}

/// The sentences of all messages in their order.
pub(super) fn sentences(messages: &[Entry]) -> Vec<Sentence<'_>> {
    let mut found = Vec::with_capacity(messages.len() * 2);
    for (message, entry) in messages.iter().enumerate() {
        let content = entry.content.as_str();
        split(content, |start, text| found.push(Sentence { text, message, start }));
    }
    found
}

/// Calls back with the start and the text of each sentence.
fn split<'a>(content: &'a str, mut each: impl FnMut(usize, &'a str)) {
    let mut emit = |from: usize, to: usize| {
        let text = content[from..to].trim_start();
        let start = to - text.len();
        let text = text.trim_end();
        if !text.is_empty() {
            each(start, text);
        }
    };
    if !has_inner_end(content) {
        return emit(0, content.len());
    }
    let mut from = 0;
    for (start, piece) in content.split_sentence_bound_indices() {
        let end = start + piece.len();
        if !goes_on(&content[from..end], &content[end..]) {
            emit(from, end);
            from = end;
        }
    }
    emit(from, content.len());
}

// Most messages are one sentence, and asking Unicode about each costs more than all the rest.
fn has_inner_end(content: &str) -> bool {
    let is_end = |character: char| {
        matches!(character, '.' | '!' | '?' | '\n' | '\r')
            || (!character.is_ascii() && !character.is_alphanumeric())
    };
    content.trim_end().trim_end_matches(is_end).contains(is_end)
}

/// Whether what looks like an end is inside an address, or is a title, an initial or the day of a date.
fn goes_on(sentence: &str, next: &str) -> bool {
    if !next.is_empty() && sentence.ends_with(|last: char| last.is_ascii() && !last.is_whitespace())
    {
        return true;
    }
    let Some(body) = sentence.trim_end_matches([' ', '\u{a0}']).strip_suffix('.') else {
        return false;
    };
    let word = body.rsplit([' ', '\u{a0}', '(', '\n']).next().unwrap_or(body);
    let is_day = (1..=2).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_abbreviation(word) || is_day && starts_with_month(next.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &str) -> Vec<&str> {
        let mut texts = Vec::new();
        split(content, |start, text| {
            assert!(content[start..].starts_with(text), "{text} is not at {start}");
            texts.push(text);
        });
        texts
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        let cases: [(&str, &[&str]); 9] = [
            (
                "It costs 12.50 now. See https://a.example.com/x?y=1.5 today!",
                &["It costs 12.50 now.", "See https://a.example.com/x?y=1.5 today!"],
            ),
            ("Write to a.b@c.example.com. Thanks", &["Write to a.b@c.example.com.", "Thanks"]),
            ("Am 12. März 2026 um 9 Uhr. Danke!", &["Am 12. März 2026 um 9 Uhr.", "Danke!"]),
            ("Ask Dr. Smith or Mr. J. Doe. Soon.", &["Ask Dr. Smith or Mr. J. Doe.", "Soon."]),
            ("¿Cuándo llega? ¡Gracias!", &["¿Cuándo llega?", "¡Gracias!"]),
            ("one\ntwo", &["one", "two"]),
            ("Das kostet z.B. Geld", &["Das kostet z.B. Geld"]),
            ("  only one  ", &["only one"]),
            (" \n ", &[]),
        ];
        for (content, sentences) in cases {
            assert_eq!(texts(content), sentences, "{content}");
        }
    }
}
