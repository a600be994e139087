//! Greetings and goodbyes: messages that ask for nothing.

use crate::words::{says, words};

/// Whether a message only thanks or says goodbye.
#[must_use]
pub(crate) fn is_farewell(text: &str) -> bool {
    const FAREWELLS: [&str; 11] = [
        "thanks",
        "thank you",
        "bye",
        "goodbye",
        "cheers",
        "thats all",
        "that is all",
        "thx",
        "no thanks",
        "all good",
        "have a nice day",
    ];
    const WORDS_MAX: usize = 9;
    let words = words(text);
    words.len() <= WORDS_MAX && says(&words, &FAREWELLS) && !text.contains('?')
}

/// Whether a message only greets.
#[must_use]
pub(crate) fn is_greeting(text: &str) -> bool {
    const GREETINGS: [&str; 10] = [
        "hello",
        "hi",
        "hey",
        "good morning",
        "good afternoon",
        "good evening",
        "greetings",
        "hiya",
        "howdy",
        "hallo",
    ];
    const WORDS_MAX: usize = 4;
    let words = words(text);
    words.len() <= WORDS_MAX && says(&words, &GREETINGS)
}
