//! The newest messages of the historical part, from the newest back, while the joined text fits.

use chassis::tokens::hundredths;
use proto::v1::CompressedContext;

use super::Rest;
use super::budget::Lines;

/// Tells the newest part of what does not travel whole.
pub(super) fn tell(rest: &Rest<'_>) -> CompressedContext {
    let mut lines = Lines::after(rest.head, rest.tokens);
    let texts = rest.historical.iter().rev().map(|message| message.content.as_str());
    let fitting = texts.take_while(|text| lines.take(hundredths(text))).count();
    let told = &rest.historical[rest.historical.len() - fitting..];
    let head = (!rest.head.is_empty()).then_some(rest.head);
    let texts = head.into_iter().chain(told.iter().map(|message| message.content.as_str()));
    let summary = texts.collect::<Vec<_>>().join("\n");
    CompressedContext { summary, ..CompressedContext::default() }
}
