//! How well an agent fits a wish, in whole millionths (contract, section 19.3).
//!
//! All arithmetic is on integers: a score is an exact fraction that is rounded half up once, so that equal fits are
//! equal and every comparison is repeatable.

use serde::{Deserialize, Serialize};

use crate::roster::{Member, Terms};

/// A score of 1.
pub const ONE: i64 = 1_000_000;

// Weights in tenths.
const SKILL: u64 = 4;
const DOMAIN: u64 = 3;
const LOAD: u64 = 2;
const LANGUAGE: u64 = 1;

/// How shared terms are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Common terms over all terms of both.
    Jaccard,
    /// Common terms over the required ones.
    Coverage,
}

/// What the work asks of an agent.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Required skills.
    pub skills: Terms,
    /// Target domains.
    pub domains: Terms,
    /// The user's language in lower case; empty when it is not known.
    pub language: String,
}

/// A part of a score, between 0 and 1, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The numerator.
    pub have: u64,
    /// The denominator, never 0.
    pub of: u64,
}

/// The parts that apply to an agent, and what they come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The weighted mean, in millionths.
    pub millionths: i64,
    /// How well its skills fit, when any are required.
    pub skill: Option<Part>,
    /// How well its domains fit, when any are targeted.
    pub domain: Option<Part>,
    /// How idle it is.
    pub load: Part,
    /// How well it speaks the user's language, when that is known.
    pub language: Option<Part>,
}

impl Part {
    /// The value as a number for people.
    #[must_use]
    pub fn value(self) -> f64 {
        self.have as f64 / self.of as f64
    }
}

impl Score {
    /// Whether the agent has any of the skills and domains that are asked for.
    #[must_use]
    pub fn shares_any(&self) -> bool {
        [self.skill, self.domain].iter().flatten().any(|part| 0 < part.have)
    }

    /// Whether skills or domains are asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.skill.is_some() || self.domain.is_some()
    }
}

/// Scores one agent.
#[must_use]
pub fn score(member: &Member<'_>, wish: &Wish, metric: Metric) -> Score {
    let skill = overlap(&wish.skills, &member.traits.skills, metric);
    let domain = overlap(&wish.domains, &member.traits.domains, metric);
    let load = idleness(member);
    let language = fluency(&member.traits.languages, &wish.language);
    let parts = [(SKILL, skill), (DOMAIN, domain), (LOAD, Some(load)), (LANGUAGE, language)];
    Score { millionths: mean(parts), skill, domain, load, language }
}

/// The weighted mean of the parts that apply, rounded half up to whole millionths.
fn mean(parts: [(u64, Option<Part>); 4]) -> i64 {
    let (mut have, mut of, mut weight) = (0_u128, 1_u128, 0_u64);
    for (share, part) in parts.into_iter().filter_map(|(share, part)| Some((share, part?))) {
        have = have * u128::from(part.of) + u128::from(share * part.have) * of;
        of *= u128::from(part.of);
        weight += share;
    }
    let of = of * u128::from(weight);
    let doubled = 2 * have * ONE.unsigned_abs() as u128 + of;
    i64::try_from(narrow(doubled, 2 * of)).expect("a mean of parts is at most 1")
}

// Sets and loads are small, so the quotient nearly always fits the machine's own division.
fn narrow(have: u128, of: u128) -> u128 {
    match (u64::try_from(have), u64::try_from(of)) {
        (Ok(have), Ok(of)) => u128::from(have / of),
        _ => have / of,
    }
}

fn overlap(asked: &Terms, owned: &[u32], metric: Metric) -> Option<Part> {
    if asked.is_empty() {
        return None;
    }
    let common = asked.shared(owned);
    let of = match metric {
        Metric::Jaccard => asked.count + owned.len() - common,
        Metric::Coverage => asked.count,
    };
    Some(Part { have: common as u64, of: of as u64 })
}

fn idleness(member: &Member<'_>) -> Part {
    let Some(max) = member.agent.max_concurrent_sessions.filter(|max| 0 < *max) else {
        return Part { have: 1, of: 1 };
    };
    let load = member.state.load.clamp(0, max);
    Part { have: (max - load).unsigned_abs(), of: max.unsigned_abs() }
}

fn fluency(spoken: &[String], language: &str) -> Option<Part> {
    if language.is_empty() {
        return None;
    }
    let is_same = |tag: &String| tag == language;
    let is_kin = |tag: &String| primary(tag) == primary(language);
    let have = match () {
        () if spoken.is_empty() || spoken.iter().any(is_same) => 2,
        () if spoken.iter().any(is_kin) => 1,
        () => 0,
    };
    Some(Part { have, of: 2 })
}

fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}
