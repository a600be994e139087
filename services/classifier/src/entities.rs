//! What a text names: addresses, numbers, dates, times, amounts, orders, links.

mod patterns;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Entities of one text; more are left out.
const ENTITIES_MAX: usize = 50;
/// Characters of a text that are looked at.
const TEXT_BYTES_MAX: usize = 40_000;

/// What kind of thing an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A sum of money, with its currency.
    Amount,
    /// A day, named or numbered.
    Date,
    /// An e-mail address.
    Email,
    /// The number of an order.
    OrderId,
    /// A telephone number.
    Phone,
    /// A time of day.
    Time,
    /// A link.
    Url,
}

/// One entity and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// What it is.
    pub kind: Kind,
    /// The bytes of the text that name it.
    pub range: Range<usize>,
    /// As it was written.
    pub text: String,
}

static PATTERNS: LazyLock<Vec<(Kind, Regex)>> = LazyLock::new(|| {
    let compile = |pattern: &str| {
        Regex::new(pattern).expect("the patterns are constants that the tests compile")
    };
    patterns::all().into_iter().map(|(kind, pattern)| (kind, compile(&pattern))).collect()
});

impl Kind {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Date => "date",
            Self::Email => "email",
            Self::OrderId => "order_id",
            Self::Phone => "phone",
            Self::Time => "time",
            Self::Url => "url",
        }
    }

    /// Whether it is a way to reach a person.
    #[must_use]
    pub fn is_contact(self) -> bool {
        matches!(self, Self::Email | Self::Phone | Self::Url)
    }
}

/// The entities of a text in order of place; none overlap.
#[must_use]
pub fn find(text: &str) -> Vec<Entity> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut found: Vec<Entity> = Vec::new();
    // The patterns stand in order of precedence: what one has taken is not taken by a later one.
    for (kind, pattern) in PATTERNS.iter() {
        for captures in pattern.captures_iter(text) {
            let Some(matched) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            let named = trimmed(*kind, matched.as_str());
            let range = matched.start()..matched.start() + named.len();
            let is_free = found
                .iter()
                .all(|other| range.end <= other.range.start || other.range.end <= range.start);
            if is_free && is_plausible(*kind, named) && found.len() < ENTITIES_MAX {
                found.push(Entity { kind: *kind, range, text: named.to_owned() });
            }
        }
    }
    found.sort_by_key(|entity| entity.range.start);
    found
}

/// Entities by kind: a string, or a list when there are several.
#[must_use]
pub fn to_json(entities: &[Entity]) -> Value {
    let mut by_kind: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entity in entities {
        let texts = by_kind.entry(entity.kind.name()).or_default();
        if !texts.contains(&entity.text.as_str()) {
            texts.push(&entity.text);
        }
    }
    let value = |texts: Vec<&str>| match texts.as_slice() {
        [one] => Value::from(*one),
        several => Value::from(several.to_vec()),
    };
    by_kind.into_iter().map(|(kind, texts)| (kind.to_owned(), value(texts))).collect()
}

/// Without the punctuation of the sentence around it.
fn trimmed(kind: Kind, text: &str) -> &str {
    match kind {
        Kind::Url => {
            text.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\''])
        }
        Kind::Amount => text.trim_end_matches(['.', ',']).trim_end(),
        Kind::Email | Kind::OrderId => text.trim_end_matches(['.', '-']),
        Kind::Date | Kind::Phone | Kind::Time => text.trim_end(),
    }
}

fn is_plausible(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::OrderId => text.bytes().any(|b| b.is_ascii_digit()),
        Kind::Phone => (8..=15).contains(&text.bytes().filter(u8::is_ascii_digit).count()),
        _ => !text.is_empty(),
    }
}
