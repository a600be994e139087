//! One line that says what a customer wants, without ways to reach them.

use crate::entities::Entity;

/// The most characters of a summary.
pub const SUMMARY_CHARS_MAX: usize = 200;
/// What stands for a text that has nothing to say.
const NOTHING: &str = "(no text)";

/// The text on one line, with contact data taken out, cut at a word where it is too long.
#[must_use]
pub fn summarize(text: &str, entities: &[Entity]) -> String {
    let mut open = String::with_capacity(text.len());
    let mut done = 0;
    for contact in entities.iter().filter(|entity| entity.kind.is_contact()) {
        open.push_str(&text[done..contact.range.start]);
        open.push_str(&format!("[{}]", contact.kind.name()));
        done = contact.range.end;
    }
    open.push_str(&text[done..]);
    let redacted = chassis::redact::redact(&open);
    let line = redacted
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    if line.is_empty() { NOTHING.to_owned() } else { shortened(&line, SUMMARY_CHARS_MAX) }
}

/// At most `limit` characters; an ellipsis tells that there was more.
#[must_use]
pub fn shortened(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let room = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    let cut = &text[..room];
    // A text without spaces near its end is cut inside a word.
    let word_end = cut.rfind(' ').filter(|at| room / 2 < *at).unwrap_or(room);
    format!("{}…", cut[..word_end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::find;

    fn summary(text: &str) -> String {
        summarize(text, &find(text))
    }

    #[test]
    fn a_summary_has_no_contact_data() {
        assert_eq!(
            summary("Mail jan.müller@example.de\n or call +1 (555) 010-2030, order 4711"),
            "Mail [email] or call [phone], order 4711"
        );
        assert!(!summary("card 4111 1111 1111 1111").contains("4111"), "cards are redacted too");
        assert_eq!(summary("see https://example.com/me"), "see [url]");
    }

    #[test]
    fn a_summary_has_one_to_two_hundred_characters() {
        for text in
            ["", " \n\t ", "\u{0}", &"word ".repeat(500), &"字".repeat(1000), &"🦀".repeat(200)]
        {
            let length = summary(text).chars().count();
            assert!((1..=SUMMARY_CHARS_MAX).contains(&length), "{text}: {length}");
        }
        assert_eq!(summary("Where is my order?"), "Where is my order?");
    }
}
