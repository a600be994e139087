//! Counting and spending tokens.

use chassis::tokens::{estimate, hundredths};
use proto::v1::{CompressedContext, IntentSeen, KeyFact, NamedEntity, OpenItem};

/// The tokens of all texts of a brief.
#[must_use]
pub fn count(brief: &CompressedContext) -> i64 {
    let recent: i64 = brief.recent_messages.iter().map(|message| estimate(&message.content)).sum();
    let parts = [price(&brief.key_facts), price(&brief.intents), price(&brief.entities)];
    estimate(&brief.summary) + recent + parts.iter().sum::<i64>() + price(&brief.open_items)
}

fn price<T: Priced>(things: &[T]) -> i64 {
    things.iter().map(Priced::price).sum()
}

/// A part of a brief that costs tokens.
pub(super) trait Priced {
    /// The tokens of all its texts.
    fn price(&self) -> i64;
}

impl Priced for KeyFact {
    fn price(&self) -> i64 {
        let sources = self.source_message_ids.iter().map(|id| estimate(id));
        estimate(&self.fact) + sources.sum::<i64>()
    }
}

impl Priced for IntentSeen {
    fn price(&self) -> i64 {
        estimate(&self.intent) + estimate(&self.entities_json)
    }
}

impl Priced for NamedEntity {
    fn price(&self) -> i64 {
        estimate(&self.name) + estimate(&self.r#type) + estimate(&self.value)
    }
}

impl Priced for OpenItem {
    fn price(&self) -> i64 {
        estimate(&self.description) + estimate(&self.priority)
    }
}

/// How much of the tokens one kind of thing may take, and how many things at most.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub(super) tenths: i64,
    pub(super) most: usize,
}

/// Tokens that are spent on one kind of thing after another.
pub(super) struct Purse {
    whole: i64,
    /// What is not spent.
    pub(super) left: i64,
}

impl Purse {
    /// A purse with so many tokens.
    pub(super) fn of(tokens: i64) -> Self {
        Self { whole: tokens, left: tokens }
    }

    /// Buys the first things that fit the share, each with the place it is from; those that do not fit are passed over.
    pub(super) fn buy<T: Priced>(
        &mut self,
        things: impl IntoIterator<Item = (usize, T)>,
        share: Share,
    ) -> Vec<(usize, T)> {
        let mut tokens = (self.whole * share.tenths / 10).min(self.left);
        let mut bought = Vec::new();
        for thing in things {
            if share.most <= bought.len() {
                break;
            }
            let price = thing.1.price();
            if price <= tokens {
                tokens -= price;
                self.left -= price;
                bought.push(thing);
            }
        }
        bought
    }
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
