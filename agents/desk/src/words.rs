//! Texts as words: how customers' messages are compared with what the shop has written.

use rust_stemmers::{Algorithm, Stemmer};

/// The most words of one text that are looked at.
const WORDS_MAX: usize = 4_000;

/// Words that say nothing about a topic.
const STOP_WORDS: [&str; 127] = [
    "a",
    "about",
    "after",
    "again",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "anything",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "dont",
    "for",
    "from",
    "get",
    "give",
    "go",
    "got",
    "had",
    "has",
    "have",
    "he",
    "hello",
    "help",
    "her",
    "here",
    "hey",
    "hi",
    "him",
    "his",
    "how",
    "hows",
    "i",
    "id",
    "if",
    "ill",
    "im",
    "in",
    "into",
    "is",
    "it",
    "its",
    "ive",
    "just",
    "know",
    "let",
    "like",
    "may",
    "me",
    "might",
    "mine",
    "much",
    "my",
    "need",
    "no",
    "not",
    "now",
    "of",
    "off",
    "ok",
    "on",
    "one",
    "or",
    "our",
    "out",
    "please",
    "she",
    "should",
    "so",
    "some",
    "someone",
    "something",
    "still",
    "tell",
    "than",
    "thank",
    "thanks",
    "that",
    "thats",
    "the",
    "their",
    "them",
    "then",
    "there",
    "theres",
    "these",
    "they",
    "this",
    "those",
    "to",
    "too",
    "up",
    "us",
    "want",
    "was",
    "we",
    "were",
    "what",
    "whats",
    "when",
    "where",
    "wheres",
    "which",
    "who",
    "whos",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
    "youre",
];

/// The words of a text in lower case. Digits part from letters (`3pm` is `3`, `pm`), except that marks between digits
/// hold them together (`15:30`, `2026-12-01`, `8.50`).
#[must_use]
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars().flat_map(char::to_lowercase).peekable();
    while let Some(character) = characters.next() {
        // A word is of digits and marks, or of letters: its first character tells which.
        let is_digits = word.chars().next().map(|first| first.is_ascii_digit());
        let joins = ":/.-".contains(character)
            && is_digits == Some(true)
            && characters.peek().is_some_and(char::is_ascii_digit);
        if joins {
            word.push(character);
        } else if character.is_alphanumeric() {
            if is_digits.is_some_and(|is_digits| is_digits != character.is_ascii_digit()) {
                words.push(std::mem::take(&mut word));
            }
            word.push(character);
        } else if !matches!(character, '\'' | '\u{2019}') && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if WORDS_MAX <= words.len() {
            return words;
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The stem of a word in lower case.
#[must_use]
pub(crate) fn stem(word: &str) -> String {
    Stemmer::create(Algorithm::English).stem(word).into_owned()
}

/// The stems of all words of a text.
#[must_use]
pub(crate) fn stems(text: &str) -> Vec<String> {
    words(text).iter().map(|word| stem(word)).collect()
}

/// The stems of the words that say something about a topic.
#[must_use]
pub(crate) fn topic_stems(text: &str) -> Vec<String> {
    words(text)
        .iter()
        .filter(|word| !STOP_WORDS.contains(&word.as_str()))
        .map(|word| stem(word))
        .collect()
}

/// Where a phrase stands in a text; both are stems.
#[must_use]
pub(crate) fn find(text: &[String], phrase: &[String]) -> Option<usize> {
    if phrase.is_empty() {
        return None;
    }
    text.windows(phrase.len()).position(|window| window == phrase)
}

/// Whether one of the phrases stands in a text, word for word. The text is of [`words`].
#[must_use]
pub(crate) fn says(text: &[String], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| find(text, &words(phrase)).is_some())
}

/// The number that a word means: `3`, `three`, `a`.
#[must_use]
pub(crate) fn number(word: &str) -> Option<i64> {
    const NAMES: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    const DIGITS_MAX: usize = 6;
    if let Some(index) = NAMES.iter().position(|name| *name == word) {
        return i64::try_from(index).ok();
    }
    match word {
        "a" | "an" => Some(1),
        "couple" => Some(2),
        "dozen" => Some(12),
        _ if word.len() <= DIGITS_MAX => word.parse().ok().filter(|number| 0 <= *number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{STOP_WORDS, find, number, stems, topic_stems, words};

    #[test]
    fn texts_become_words() {
        let cases = [
            ("Where's my parcel?", "wheres my parcel"),
            ("Book at 3pm, or 15:30!", "book at 3 pm or 15:30"),
            ("2026-12-01 – 24th of Dec.", "2026-12-01 24 th of dec"),
            ("€8.50 for 58mm/LL-10482", "8.50 for 58 mm ll 10482"),
            ("CAFÉ Ünder 3.", "café ünder 3"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn inflections_meet_in_their_stem() {
        assert_eq!(stems("grinders grinding"), stems("grinder grind"));
        assert_eq!(stems("refunded refunds"), ["refund", "refund"]);
        assert_eq!(topic_stems("what is the price of the machines"), ["price", "machin"]);
        assert_eq!(find(&stems("please move my visits now"), &stems("my visit")), Some(2));
    }

    #[test]
    fn numbers_are_understood_in_words_and_digits() {
        let cases = [
            ("3", Some(3)),
            ("three", Some(3)),
            ("a", Some(1)),
            ("dozen", Some(12)),
            ("8.50", None),
            ("9999999", None),
        ];
        for (word, expected) in cases {
            assert_eq!(number(word), expected, "{word}");
        }
    }

    #[test]
    fn stop_words_are_sorted_and_unique() {
        assert!(STOP_WORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
