//! What a receiver is told of a conversation: within a hard cap, with the last messages word for word (contract,
//! section 20). One file a strategy; everything here is a pure function of its arguments.
//!
//! A history that fits the cap travels whole. Otherwise the source's own summary comes first, then the most recent
//! messages, and the strategy decides what becomes of the rest.

use std::borrow::Cow;

use chassis::redact::redact;
use chassis::tokens::estimate;
use proto::v1::{CompressedContext, Entry};

mod budget;
mod extract;
mod facts;
mod hybrid;
mod lexicon;
mod open_items;
mod sentence;
mod sliding_window;
mod summary;
#[cfg(test)]
mod tests;
mod value;

pub use budget::count;

/// The part of the cap that the source's own summary may take.
const SOURCE_SUMMARY_SHARE: i64 = 4;

/// How the historical part is made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The newest messages that fit.
    SlidingWindow,
    /// The most telling sentences.
    Summary,
    /// Open items, entities and facts, then the most telling sentences.
    Hybrid,
}

/// All strategies with their names.
pub const METHODS: [(&str, Method); 3] = [
    ("hybrid", Method::Hybrid),
    ("summary", Method::Summary),
    ("sliding_window", Method::SlidingWindow),
];

impl Method {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).expect("every strategy has a name").0
    }
}

/// A conversation as the source leaves it.
#[derive(Clone, Copy)]
pub struct Story<'a> {
    /// All visible messages, oldest first.
    pub messages: &'a [Entry],
    /// What the source agent says of them; empty when it says nothing.
    pub source_summary: &'a str,
}

/// How much may be told.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The strategy.
    pub method: Method,
    /// The hard cap, in tokens.
    pub tokens_max: i64,
    /// How many messages travel unchanged.
    pub recent_kept: usize,
    /// Whether personal data is masked.
    pub is_masked: bool,
}

/// What a strategy works with: the messages that do not travel whole and the tokens that are left for them.
struct Rest<'a> {
    historical: &'a [Entry],
    recent: &'a [Entry],
    head: &'a str,
    tokens: i64,
}

/// Compresses a conversation: never more than the cap and never more than the original.
#[must_use]
pub fn compress(story: &Story<'_>, limits: &Limits) -> CompressedContext {
    let messages =
        if limits.is_masked { mask(story.messages) } else { Cow::Borrowed(story.messages) };
    let source_summary = if limits.is_masked {
        redact(story.source_summary)
    } else {
        Cow::Borrowed(story.source_summary)
    };
    let sum: i64 = messages.iter().map(|message| estimate(&message.content)).sum();
    let original = sum + estimate(&source_summary);
    if original <= limits.tokens_max {
        let recent_messages = messages.into_owned();
        let whole = CompressedContext {
            summary: source_summary.into_owned(),
            recent_messages,
            ..CompressedContext::default()
        };
        return measured(whole, "identity", original);
    }
    let head = budget::cut(&source_summary, limits.tokens_max / SOURCE_SUMMARY_SHARE);
    let mut tokens = limits.tokens_max - estimate(head);
    let recent = recent(&messages, limits.recent_kept, &mut tokens);
    let split = messages.len() - recent;
    let rest = Rest { historical: &messages[..split], recent: &messages[split..], head, tokens };
    let mut brief = match limits.method {
        Method::SlidingWindow => sliding_window::tell(&rest),
        Method::Summary => summary::tell(&rest),
        Method::Hybrid => hybrid::tell(&rest),
    };
    let wanted = limits.recent_kept.min(messages.len());
    brief.recent_dropped = i64::try_from(wanted - recent).unwrap_or(i64::MAX);
    brief.recent_messages = rest.recent.to_vec();
    measured(brief, limits.method.name(), original)
}

/// How many of the last messages fit whole; takes their tokens off.
fn recent(messages: &[Entry], kept: usize, tokens: &mut i64) -> usize {
    let mut count = 0;
    for message in messages.iter().rev().take(kept) {
        let cost = estimate(&message.content);
        if *tokens < cost {
            break;
        }
        *tokens -= cost;
        count += 1;
    }
    count
}

fn measured(mut brief: CompressedContext, method: &str, original: i64) -> CompressedContext {
    brief.compression_method = method.to_owned();
    brief.original_token_count = original;
    brief.compressed_token_count = count(&brief);
    let ratio = match original {
        0 => 1.0,
        _ => brief.compressed_token_count as f64 / original as f64,
    };
    brief.compression_ratio = (ratio * 1_000.0).round() / 1_000.0;
    brief
}

fn mask(messages: &[Entry]) -> Cow<'_, [Entry]> {
    let is_clean = |text: &str| matches!(redact(text), Cow::Borrowed(_));
    if messages
        .iter()
        .all(|message| is_clean(&message.content) && is_clean(&message.intent_summary))
    {
        return Cow::Borrowed(messages);
    }
    let masked = messages.iter().map(|message| Entry {
        content: redact(&message.content).into_owned(),
        intent_summary: redact(&message.intent_summary).into_owned(),
        ..message.clone()
    });
    Cow::Owned(masked.collect())
}
