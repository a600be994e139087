//! What a reply to a question means (contract, section 13.2): an option, a name, or words to add to what was asked
//! about.

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A question that the user has not answered yet; a session has at most one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What the user was asked.
    pub question: String,
    /// What the user had said first.
    pub original_input: String,
    /// Whom the user may choose from, the suggested agent first.
    pub candidates: Vec<String>,
    /// The language of the question.
    pub language: String,
    /// How often the user has been asked, from 1.
    pub attempt: i64,
    /// What the answer decides.
    pub kind: Kind,
    /// From when on it is ignored.
    pub expires_ms: i64,
}

/// What the answer to a question decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Who takes a session that nobody has yet.
    Classification,
    /// Who takes over.
    Handoff,
}

impl Kind {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Handoff => "handoff",
        }
    }
}

/// An agent by the two names that a user may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its id.
    pub agent_id: &'a str,
    /// Its name for people.
    pub display_name: &'a str,
}

/// What was asked about and what was replied, as one text.
#[must_use]
pub fn combine(original: &str, reply: &str) -> String {
    format!("{original}. Specifically: {reply}")
}

/// The candidate that a reply chooses: by its number in the list, or as the only one that it names.
#[must_use]
pub fn choose<'a>(reply: &str, candidates: &[Named<'a>]) -> Option<&'a str> {
    if let Some(number) = option_number(reply) {
        return candidates.get(number.checked_sub(1)?).map(|named| named.agent_id);
    }
    let said = words(reply);
    let is_named = |named: &&Named<'_>| {
        contains(&said, &words(named.agent_id)) || contains(&said, &words(named.display_name))
    };
    let mut named = candidates.iter().filter(is_named);
    let first = named.next()?;
    named.next().is_none().then_some(first.agent_id)
}

/// A reply that is a number and nothing else, but for the marks that people put around one.
fn option_number(reply: &str) -> Option<usize> {
    let marks = |c: char| c.is_whitespace() || matches!(c, '.' | ')' | '(' | '#' | ':' | '!');
    let digits = reply.trim_matches(marks);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// The words of a text, lower-cased; whatever is not a letter or a digit stands between words.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect()
}

fn contains(said: &[String], name: &[String]) -> bool {
    !name.is_empty() && said.windows(name.len()).any(|window| window == name)
}
