//! Counting and spending tokens.

use chassis::tokens::{estimate, hundredths};
use proto::v1::CompressedContext;

/// The tokens of all texts of a brief.
#[must_use]
pub fn count(brief: &CompressedContext) -> i64 {
    let sum = |texts: &[&String]| texts.iter().map(|text| estimate(text)).sum::<i64>();
    let recent = brief.recent_messages.iter().map(|message| estimate(&message.content));
    let facts = brief.key_facts.iter().map(|fact| {
        estimate(&fact.fact) + fact.source_message_ids.iter().map(|id| estimate(id)).sum::<i64>()
    });
    let intents = brief.intents.iter().map(|seen| sum(&[&seen.intent, &seen.entities_json]));
    let entities = brief.entities.iter();
    let entities = entities.map(|found| sum(&[&found.name, &found.r#type, &found.value]));
    let items = brief.open_items.iter().map(|item| sum(&[&item.description, &item.priority]));
    let parts = recent.chain(facts).chain(intents).chain(entities).chain(items);
    estimate(&brief.summary) + parts.sum::<i64>()
}

/// Takes the first things that fit, at most so many; those that do not fit are passed over.
pub(super) fn afford<T>(
    things: impl IntoIterator<Item = T>,
    cost: impl Fn(&T) -> i64,
    most: usize,
    tokens: &mut i64,
) -> Vec<T> {
    let mut bought = Vec::new();
    for thing in things {
        if most <= bought.len() {
            break;
        }
        let cost = cost(&thing);
        if cost <= *tokens {
            *tokens -= cost;
            bought.push(thing);
        }
    }
    bought
}

/// Texts that are joined by one character between them, within a number of tokens.
pub(super) struct Lines {
    used: i64,
    max: i64,
}

impl Lines {
    /// Lines that follow a head, with so many tokens besides those of the head.
    pub(super) fn after(head: &str, tokens: i64) -> Self {
        Self { used: hundredths(head), max: (tokens + estimate(head)) * 100 }
    }

    /// Adds a text of so many hundredths when the joined text still fits.
    pub(super) fn take(&mut self, cost: i64) -> bool {
        let joint = if self.used == 0 { 0 } else { hundredths("\n") };
        let used = self.used + joint + cost;
        if self.max < used {
            return false;
        }
        self.used = used;
        true
    }
}

/// The longest beginning of a text that costs no more, ended at a word if there is one.
pub(super) fn cut(text: &str, tokens_max: i64) -> &str {
    if estimate(text) <= tokens_max {
        return text;
    }
    let ends: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
    let fitting = ends.partition_point(|end| estimate(&text[..*end]) <= tokens_max);
    let whole = &text[..ends[fitting.saturating_sub(1)]];
    match whole.rfind(char::is_whitespace) {
        Some(space) if 0 < space => whole[..space].trim_end(),
        _ => whole,
    }
}
