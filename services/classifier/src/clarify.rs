//! The question that is asked when it is unclear which agent a message is meant for.

mod cache;
mod sentences;

pub use cache::{Key, Questions};

use crate::summary::shortened;

/// The most characters of a question.
pub const QUESTION_CHARS_MAX: usize = 200;
/// How the questions of the listed languages end.
pub const MARKS: [char; 4] = ['?', '？', '؟', ';'];

/// An agent that a question may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its name to people.
    pub display_name: String,
    /// What its owner wants a question to mention.
    pub context: String,
}

/// One sentence in this language, or in English when it is not listed, that names the candidates.
#[must_use]
pub fn question(candidates: &[&Candidate], language: &str) -> String {
    let sentence = sentences::of(language);
    let named = |name: &dyn Fn(&Candidate) -> String| match candidates {
        [] => sentence.open.to_owned(),
        [one] => sentence.one.replacen("{a}", &name(one), 1),
        [one, other, ..] => two(sentence.two, &name(one), &name(other)),
    };
    let room =
        (QUESTION_CHARS_MAX - sentence.one.chars().count().max(sentence.two.chars().count())) / 2;
    [named(&with_context), named(&bare), named(&|candidate| shortened(&bare(candidate), room))]
        .into_iter()
        .find(|question| question.chars().count() <= QUESTION_CHARS_MAX)
        .unwrap_or_else(|| sentence.open.to_owned())
}

/// A question from elsewhere, made to keep the rules, or none when it cannot be: one line, short, ending as one.
#[must_use]
pub fn checked(text: &str) -> Option<String> {
    let line = one_line(text.trim().trim_matches('"'));
    let is_question = line.ends_with(MARKS) && 1 < line.chars().count();
    (is_question && line.chars().count() <= QUESTION_CHARS_MAX).then_some(line)
}

/// A name is filled in once, whatever it contains.
fn two(template: &str, one: &str, other: &str) -> String {
    let (before, rest) = template.split_once("{a}").unwrap_or((template, ""));
    let (between, after) = rest.split_once("{b}").unwrap_or((rest, ""));
    format!("{before}{one}{between}{other}{after}")
}

fn bare(candidate: &Candidate) -> String {
    one_line(&candidate.display_name)
}

fn with_context(candidate: &Candidate) -> String {
    let context = one_line(&candidate.context).replace(". ", "; ");
    match context.trim_end_matches(['.', '!', '?', '。', ' ']) {
        "" => bare(candidate),
        context => format!("{} ({context})", bare(candidate)),
    }
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::LISTED;

    fn candidate(display_name: &str, context: &str) -> Candidate {
        Candidate { display_name: display_name.to_owned(), context: context.to_owned() }
    }

    #[test]
    fn a_question_names_the_candidates_and_their_context() {
        let booking = candidate("Booking Desk", "I can book, move or cancel an appointment.");
        let support = candidate("Support", "");
        assert_eq!(
            question(&[&booking], "en"),
            "Is this about Booking Desk (I can book, move or cancel an appointment)?"
        );
        assert_eq!(
            question(&[&booking, &support], "de"),
            "Meinen Sie Booking Desk (I can book, move or cancel an appointment) oder Support?"
        );
        assert_eq!(
            question(&[], "xx"),
            question(&[], "en"),
            "an unlisted language is answered in English"
        );
    }

    #[test]
    fn every_language_asks_in_one_short_sentence() {
        let plain = candidate("Sales", "Prices. Products.");
        let long = candidate(&"x".repeat(200), &"y ".repeat(250));
        let odd = candidate("{b} {a}\n?", "what?!");
        for language in LISTED {
            let lists: [&[&Candidate]; 6] =
                [&[], &[&plain], &[&plain, &plain], &[&long], &[&long, &long], &[&odd, &long]];
            for candidates in lists {
                let question = question(candidates, language);
                assert!(question.chars().count() <= QUESTION_CHARS_MAX, "{language}: {question}");
                assert!(question.ends_with(MARKS), "{language}: {question}");
                assert!(!question.contains('\n'), "{language}: {question}");
            }
            assert!(question(&[&plain, &long], language).contains("Sales"), "{language}");
            assert!(!question(&[&plain, &plain], language).contains("{"), "{language}");
        }
    }

    #[test]
    fn a_foreign_question_must_be_one() {
        assert_eq!(checked(" \"Which\n order? \""), Some("Which order?".to_owned()));
        assert_eq!(checked("请问？"), Some("请问？".to_owned()));
        for bad in ["", "?", "I can help.", &format!("{}?", "a".repeat(200))] {
            assert_eq!(checked(bad), None, "{bad}");
        }
    }
}
