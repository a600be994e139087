//! When a message starts a handoff by itself (contract, section 19.1): it asks for a person in charge, or its topic is
//! another agent's.

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// How many other words may stand between two words of a keyword.
const WORDS_BETWEEN: usize = 1;

/// An escalation keyword, cut into words once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword(Vec<String>);

impl Keyword {
    /// The keyword of a text; nothing when it has no words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let words = words(text);
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether all its words stand in the text in this order, close together.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let said = words(text);
        (0..said.len()).any(|start| self.begins_at(&said[start..]))
    }

    fn begins_at(&self, said: &[String]) -> bool {
        let (first, rest) = self.0.split_first().expect("a keyword has a word");
        let Some((head, mut tail)) = said.split_first() else { return false };
        if head != first {
            return false;
        }
        for word in rest {
            let near = &tail[..tail.len().min(WORDS_BETWEEN + 1)];
            let Some(at) = near.iter().position(|said| said == word) else { return false };
            tail = &tail[at + 1..];
        }
        true
    }
}

/// The words of a text, lower-cased. A hyphen joins: a "de-escalated" matter is no escalation.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '\'' | '’')));
    parts
        .map(|part| part.trim_matches(['-', '\'', '’']).to_lowercase())
        .filter(|part| !part.is_empty())
        .collect()
}

/// What topic detection looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Who answers in this session.
    pub active_agent: String,
    /// Who never takes over for its topic.
    pub default_agent: String,
    /// How likely the text is each agent's.
    pub scores: Vec<(String, f64)>,
    /// Below this the active agent no longer owns the text.
    pub confidence_min: f64,
    /// From here on another agent does.
    pub score_min: f64,
}

impl Topic {
    /// The agent whose topic the text is, with its score, when it is no longer the active agent's.
    #[must_use]
    pub fn crossed_to(&self) -> Option<(&str, f64)> {
        let of = |agent: &str| self.scores.iter().find(|(id, _)| id == agent).map(|score| score.1);
        if self.confidence_min <= of(&self.active_agent).unwrap_or(0.0) {
            return None;
        }
        let others = self.scores.iter().filter(|(id, score)| {
            *id != self.active_agent && *id != self.default_agent && self.score_min <= *score
        });
        let best =
            others.max_by(|left, right| left.1.total_cmp(&right.1).then(right.0.cmp(&left.0)));
        best.map(|(agent_id, score)| (agent_id.as_str(), *score))
    }
}

/// Whether an agent is so full that a newcomer should go elsewhere.
#[must_use]
pub fn is_crowded(load: i64, max: Option<i64>, threshold: f64) -> bool {
    max.is_some_and(|max| threshold * max as f64 <= load as f64)
}
