//! Sentences of messages: Unicode's boundaries, without those inside dates and after titles.

use memchr::{memchr2, memchr3};
use proto::v1::Entry;
use unicode_segmentation::UnicodeSegmentation as _;

use super::lexicon::{Cues, is_abbreviation, signs, starts_with_month};

/// A sentence and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sentence<'a> {
    /// Its text, without space around it.
    pub(super) text: &'a str,
    /// The message it is from, as a position in the history.
    pub(super) message: usize,
    /// Where it begins in the message.
    pub(super) start: usize,
    /// What its words say besides its matter.
    pub(super) cues: Cues,
}

/// The sentences of all messages in their order.
pub(super) fn sentences(messages: &[Entry]) -> Vec<Sentence<'_>> {
    let mut found = Vec::with_capacity(messages.len() * 2);
    for (message, entry) in messages.iter().enumerate() {
        let content = entry.content.as_str();
        let mut signs = signs(content).peekable();
        split(content, |start, text| {
            let end = start + text.len();
            let mut cues = Cues::default();
            while let Some((_, sign)) = signs.next_if(|(at, _)| *at < end) {
                cues.add(sign);
            }
            found.push(Sentence { text, message, start, cues });
        });
    }
    found
}

/// The first so many characters of a text.
pub(super) fn clip(text: &str, length_max: usize) -> &str {
    // Most sentences are shorter even in bytes, of which a character has one or more.
    if text.len() <= length_max {
        return text;
    }
    text.char_indices().nth(length_max).map_or(text, |(length, _)| &text[..length])
}

/// Calls back with the start and the text of each sentence.
fn split<'a>(content: &'a str, mut each: impl FnMut(usize, &'a str)) {
    let emit = |from: usize, to: usize| {
        let text = content[from..to].trim_start();
        let start = to - text.len();
        let text = text.trim_end();
        if !text.is_empty() {
            each(start, text);
        }
    };
    if !content.is_ascii() && content.chars().any(is_foreign_mark) {
        as_unicode(content, emit);
    } else {
        as_latin(content, emit);
    }
}

/// The boundaries of Unicode's annex 29, which knows the marks of all scripts.
fn as_unicode(content: &str, mut emit: impl FnMut(usize, usize)) {
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

/// The same boundaries where only Latin marks are used: most texts, at a twentieth of the time.
fn as_latin(content: &str, mut emit: impl FnMut(usize, usize)) {
    let bytes = content.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(offset) = end(&bytes[at..]) {
        let first = &content[at + offset..];
        let (is_end, next) = if is_line_end(bytes[at + offset]) {
            (true, &first[1..])
        } else {
            let tail = first.trim_start_matches(|sign| is_bracket(sign) || is_latin_mark(sign));
            let last = first[..first.len() - tail.len()].rfind(is_latin_mark);
            let is_point = last.is_some_and(|last| first[last..].starts_with('.'));
            let next =
                tail.trim_start_matches(|sign: char| sign.is_whitespace() && !is_break(sign));
            (next.len() < tail.len() && !continues(is_point, next), next)
        };
        at = content.len() - next.len();
        if is_end && !goes_on(&content[from..at], next) {
            emit(from, at);
            from = at;
        }
    }
    emit(from, content.len());
}

/// Whether the text after a mark belongs to the same sentence: after a full stop, when its first letter is small.
fn continues(is_point: bool, next: &str) -> bool {
    let is_telling = |sign: &char| sign.is_alphabetic() || is_latin_mark(*sign) || is_break(*sign);
    let is_joined = next.starts_with([',', ';', ':', '-', '–', '—', '.', '!', '?']);
    is_joined || is_point && next.chars().find(is_telling).is_some_and(char::is_lowercase)
}

/// Where the next mark or line end stands.
fn end(bytes: &[u8]) -> Option<usize> {
    let mark = memchr3(b'.', b'!', b'?', bytes);
    let line = &bytes[..mark.unwrap_or(bytes.len())];
    memchr2(b'\n', b'\r', line).or(mark)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_latin_mark(sign: char) -> bool {
    matches!(sign, '.' | '!' | '?')
}

fn is_break(sign: char) -> bool {
    matches!(sign, '\n' | '\r')
}

// Unicode lets all of these follow a mark within its sentence.
fn is_bracket(sign: char) -> bool {
    matches!(sign, '"' | '\'' | '(' | ')' | '[' | ']' | '{' | '}')
        || matches!(sign, '»' | '«' | '“' | '”' | '„' | '’' | '‘')
}

/// Whether a sign may end a sentence in another script, or is none that Latin texts are known to have.
fn is_foreign_mark(sign: char) -> bool {
    !sign.is_ascii()
        && !sign.is_alphanumeric()
        && !is_bracket(sign)
        && !matches!(
            sign,
            '¿' | '¡' | '€' | '£' | '¥' | '°' | 'º' | 'ª' | '–' | '—' | '\u{a0}' | '\u{202f}'
        )
}

/// Whether what looks like an end is inside an address, or is a title, an initial or the day of a date.
fn goes_on(sentence: &str, next: &str) -> bool {
    let is_inside = |last: char| !last.is_whitespace() && (last.is_ascii() || is_bracket(last));
    if !next.is_empty() && sentence.ends_with(is_inside) {
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
    use proptest::prelude::{Just, Strategy, prop, prop_assert_eq, prop_oneof, proptest};

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

    fn any_latin_text() -> impl Strategy<Value = String> {
        let pieces = [
            "a", "Be", "c1", "7", "3.5", "É", "ß", ".", "!", "?", "...", "?!", " ", "  ", "\n",
            "\r\n",
        ];
        let more = [",", "-", ":", "(", ")", "\"", "»", "¿", "€", "Mr", "J", "12", "mars", "’"];
        let piece = prop_oneof![
            prop::sample::select(pieces.to_vec()),
            prop::sample::select(more.to_vec()),
            Just(". "),
            Just(" ")
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn latin_texts_are_split_as_unicode_says(content in any_latin_text()) {
            let (mut latin, mut unicode) = (Vec::new(), Vec::new());
            as_latin(&content, |from, to| latin.push(content[from..to].trim()));
            as_unicode(&content, |from, to| unicode.push(content[from..to].trim()));
            latin.retain(|text| !text.is_empty());
            unicode.retain(|text| !text.is_empty());
            prop_assert_eq!(latin, unicode);
        }
    }
}
