//! Text cut into words and phrases: lower case, without accents, in the form that the vocabulary of the vectors has.

use unicode_normalization::UnicodeNormalization as _;

/// The fewest characters of a phrase that says anything.
const PHRASE_CHARS_MIN: usize = 2;
/// Words that turn a sentence of a description into what the agent does not do.
const NEGATIONS: [&str; 17] = [
    "not", "never", "cannot", "without", "except", "don", "doesn", "isn", "won", "nicht", "kein",
    "keine", "nie", "jamais", "nunca", "niet", "geen",
];
/// Words that do so where a sentence begins with them; elsewhere they may be what a customer says.
const FIRST_NEGATIONS: [&str; 6] = ["no", "non", "nao", "ne", "keinerlei", "nessun"];

/// The text in lower case without accents: what equals in this form counts as the same text.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase().nfd().filter(|c| !is_accent(*c)).collect()
}

/// The words of a folded text in order; a punctuation mark or symbol is a word of its own.
pub fn words(folded: &str) -> impl Iterator<Item = &str> {
    Words { rest: folded }
}

/// Whether a word has letters or digits, or is a picture, rather than being a punctuation mark.
#[must_use]
pub fn is_spoken(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_alphanumeric() || is_picture(c))
}

/// A folded text with one space between its spoken words and nothing else.
#[must_use]
pub fn plain(folded: &str) -> String {
    words(folded).filter(|word| is_spoken(word)).collect::<Vec<_>>().join(" ")
}

/// Whether the character belongs to a script that writes words without spaces between them.
#[must_use]
pub fn is_unspaced(c: char) -> bool {
    is_ideograph(c) || matches!(u32::from(c), 0x0E00..=0x0EFF | 0x3040..=0x30FF)
}

/// Whether the vocabulary takes the character as a word of its own.
#[must_use]
pub fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x2_FA1F)
}

/// The parts of a description that say what an agent does; each serves as an example. A sentence with a negation says
/// what it does not do, and is left out.
#[must_use]
pub fn phrases(description: &str) -> Vec<String> {
    let folded = fold(description);
    folded
        .split(['.', '!', '?', '\n', '。', '！', '？'])
        .filter(|sentence| !is_negated(sentence))
        .flat_map(|sentence| sentence.split([':', ',', ';', '(', ')', '、', '，', '：']))
        .flat_map(|part| part.split(" and "))
        .map(plain)
        .filter(|phrase| PHRASE_CHARS_MIN <= phrase.chars().count())
        .collect()
}

fn is_negated(sentence: &str) -> bool {
    let first = words(sentence).next().unwrap_or_default();
    FIRST_NEGATIONS.contains(&first) || words(sentence).any(|word| NEGATIONS.contains(&word))
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest =
            self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '_' || c.is_control());
        let first = rest.chars().next()?;
        let length = if first.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric() && !is_inside(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, rest) = rest.split_at(length);
        self.rest = rest;
        Some(word)
    }
}

/// Arrows, symbols and emoji.
fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x2BFF | 0x1_F000..=0x1_FAFF)
}

/// Vowel signs of scripts that write them as marks are inside of words.
fn is_inside(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Accents of Latin, Greek and Cyrillic, points of Hebrew, short vowels of Arabic.
fn is_accent(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x064B..=0x0652)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tokens_without_case_and_accents() {
        let cases = [
            ("Où est ma commande?", vec!["ou", "est", "ma", "commande", "?"]),
            ("what's up", vec!["what", "'", "s", "up"]),
            ("snake_case #42", vec!["snake", "case", "#", "42"]),
            ("我要退款", vec!["我要退款"]),
            ("  ", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(&fold(text)).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn phrases_leave_out_what_an_agent_does_not_do() {
        let description = "Books, moves and cancels appointments. Does not handle refunds.";
        assert_eq!(phrases(description), ["books", "moves", "cancels appointments"]);
        assert_eq!(phrases("Answers: yes, no, maybe"), ["answers", "yes", "no", "maybe"]);
        assert_eq!(phrases("No gestiona reembolsos. Citas."), ["citas"]);
        assert_eq!(phrases("Travel: flights, hotels"), ["travel", "flights", "hotels"]);
        assert!(phrases("").is_empty(), "an empty description has no phrase");
    }

    #[test]
    fn equal_texts_have_one_plain_form() {
        assert_eq!(plain(&fold("Where's  MY order?!")), plain(&fold("where s my order")));
    }
}
