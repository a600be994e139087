//! The most telling sentences of the historical part, in their order.

use std::cmp::Reverse;

use chassis::tokens::hundredths;
use proto::v1::CompressedContext;

use super::Rest;
use super::budget::Lines;
use super::sentence::{Sentence, sentences};

/// At least so many sentences are kept, if they fit.
const KEPT_MIN: usize = 3;

/// Tells the most telling sentences of what does not travel whole.
pub(super) fn tell(rest: &Rest<'_>) -> CompressedContext {
    let summary = summarize(rest.head, &sentences(rest.historical), rest.tokens);
    CompressedContext { summary, ..CompressedContext::default() }
}

/// The head and the best sentences that fit into so many tokens besides it, in their order.
pub(super) fn summarize(head: &str, sentences: &[Sentence<'_>], tokens: i64) -> String {
    let count = sentences.len();
    let mut ranking: Vec<(Reverse<u32>, usize)> = sentences
        .iter()
        .enumerate()
        .map(|(index, sentence)| (Reverse(weight(sentence, index, count)), index))
        .collect();
    ranking.sort_unstable();
    let kept_max = KEPT_MIN.max(count * 3 / 10);
    let mut lines = Lines::after(head, tokens);
    let mut kept = Vec::with_capacity(kept_max.min(count));
    for (_, index) in ranking {
        if kept.len() < kept_max && lines.take(hundredths(sentences[index].text)) {
            kept.push(index);
        }
    }
    kept.sort_unstable();
    let head = (!head.is_empty()).then_some(head);
    let texts = head.into_iter().chain(kept.into_iter().map(|index| sentences[index].text));
    texts.collect::<Vec<_>>().join(" ")
}

fn weight(sentence: &Sentence<'_>, index: usize, count: usize) -> u32 {
    let bytes = sentence.text.as_bytes();
    let next = bytes.iter().skip(1);
    // Spaces and line ends are the only bytes up to the space that a text has.
    let words =
        1 + bytes.iter().zip(next).filter(|(one, next)| **one <= b' ' && b' ' < **next).count();
    let points = [
        (index == 0, 3),
        (index + 1 == count, 2),
        (index * 5 < count, 1),
        ((5..=30).contains(&words), 1),
        (sentence.cues.is_stressed, 2),
    ];
    points.iter().filter(|(holds, _)| *holds).map(|(_, points)| points).sum()
}
