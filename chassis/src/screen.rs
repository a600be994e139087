//! Whether a text tries to instruct the machine that reads it (contract, section 24.1).
//!
//! Looks for attempts to override instructions, to speak in another's role, to extract the prompt, to smuggle
//! delimiters or JSON, and for instructions that are encoded or hidden. Each finding has a weight; a text is flagged
//! when they add up. What is said about orders and messages of one's own is no attempt: the objects are the machine's
//! instructions, not the customer's. What happens to a flagged text is decided by the caller.

mod disguise;
mod rules;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

use self::rules::RULES;

/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 20_000;
/// The weight from which on a text is flagged.
const WEIGHT_MIN: u32 = 10;

/// What a text tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// To make the machine drop its instructions.
    Override,
    /// To speak as somebody who may instruct it, or to make it somebody else.
    Impersonation,
    /// To learn its instructions.
    Extraction,
    /// To end the part of the prompt that it stands in, or to pass for the machine's own output.
    Smuggling,
    /// Any of these, in an encoding.
    Encoded,
    /// Any of these, or something else, in characters that nobody sees.
    Hidden,
}

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What the text tries, each once.
    pub reasons: Vec<Reason>,
    /// How much speaks for it, in tenths of what flags a text.
    pub weight: u32,
}

impl Reason {
    /// Its name in logs and audit events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Impersonation => "impersonation",
            Self::Extraction => "extraction",
            Self::Smuggling => "smuggling",
            Self::Encoded => "encoded",
            Self::Hidden => "hidden",
        }
    }
}

impl Verdict {
    /// Whether the text is to be treated as an attempt.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        WEIGHT_MIN <= self.weight
    }

    /// The names of the reasons, separated by commas.
    #[must_use]
    pub fn summary(&self) -> String {
        self.reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(",")
    }
}

static FINDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::builder()
        .configure(Regex::config().match_kind(MatchKind::All))
        .syntax(syntax::Config::new().unicode(true).utf8(true))
        .build_many(&RULES.map(|rule| plain(rule.pattern)))
        .expect("the patterns are constants that the tests compile")
});

/// A visible text has no other white space than these two, and the search is fastest when it knows.
fn plain(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)").replace(r"\s", r"[ \n]").replace(r"\S", r"[^ \n]")
}

/// What a text tries, if anything.
#[must_use]
pub fn screen(text: &str) -> Verdict {
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let mut findings = Findings::default();
    let hidden = disguise::hidden_weight(&text);
    findings.add(Reason::Hidden, hidden);
    let seen = disguise::visible(&text);
    findings.read(&seen, None);
    // What shows only without the disguise is reported with the disguise.
    for disguised in disguise::decoded(&seen).into_iter().chain(disguise::from_base64(&text)) {
        findings.read(&disguised, Some(Reason::Encoded));
    }
    if let Some(invisible) = disguise::invisible(&text) {
        findings.read(&invisible, Some(Reason::Hidden));
    }
    findings.verdict()
}

#[derive(Default)]
struct Findings {
    reasons: BTreeSet<Reason>,
    weight: u32,
}

impl Findings {
    fn add(&mut self, reason: Reason, weight: u32) {
        if 0 < weight {
            self.reasons.insert(reason);
            self.weight += weight;
        }
    }

    /// Adds the rules that a text matches. A disguised text counts only if it would be flagged by itself.
    fn read(&mut self, text: &str, disguise: Option<Reason>) {
        let mut matches = PatternSet::new(RULES.len());
        FINDER.which_overlapping_matches(&Input::new(text), &mut matches);
        let matched: Vec<_> = matches.iter().map(|pattern| &RULES[pattern.as_usize()]).collect();
        let weight: u32 = matched.iter().map(|rule| rule.weight).sum();
        let Some(disguise) = disguise else {
            matched.iter().for_each(|rule| self.add(rule.reason, rule.weight));
            return;
        };
        if WEIGHT_MIN <= weight {
            self.add(disguise, WEIGHT_MIN);
            self.reasons.extend(matched.iter().map(|rule| rule.reason));
        }
    }

    fn verdict(self) -> Verdict {
        Verdict { reasons: self.reasons.into_iter().collect(), weight: self.weight }
    }
}

#[cfg(test)]
mod tests;
