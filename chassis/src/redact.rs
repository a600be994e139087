//! Personal data in texts that leave the conversation: logs, events, error texts and briefs (contract, section 24.2).
//!
//! Finds e-mail addresses, phone numbers, payment cards, social security numbers and IBANs. Times, epoch milliseconds
//! and UUIDs are never altered. What a field means is decided by the caller; this page only reads text.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Input, Match};

/// The fewest digits that anything sought here has, unless it has an `@`.
const DIGITS_MIN: usize = 8;

const UUID: &str = r"(?-u:\b)[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?-u:\b)";
const TIME: &str =
    r"(?-u:\b)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?";
const EMAIL: &str = r"[\p{L}\p{N}\p{M}._%+'-]+@(?:[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*\.)+[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*";
const IBAN: &str = r"(?-u:\b)[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}(?-u:\b)";
const SSN: &str = r"(?-u:\b)[0-9]{3}-[0-9]{2}-[0-9]{4}(?-u:\b)";
const CARD: &str = concat!(
    r"(?-u:\b)(?:[0-9]{14,19}",
    r"|(?:[0-9]{4}[ .-]){3}[0-9]{2,4}(?:[ .-][0-9]{1,3})?",
    r"|[0-9]{4}[ .-][0-9]{6}[ .-][0-9]{4,5})(?-u:\b)"
);
const PHONE: &str = concat!(
    r"(?-u:\B)\+[0-9](?:[ .()/-]{0,3}[0-9]){7,14}(?-u:\b)",
    r"|(?:\([0-9]{3}\)[ .-]?|(?-u:\b)[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?-u:\b)"
);

/// What a pattern means, at the index of the pattern.
#[derive(Clone, Copy)]
enum Sense {
    /// Looks like personal data and is not.
    Plain,
    /// Is personal data of this kind.
    Kind(&'static str),
    /// Is personal data when the check holds for a part that ends between words.
    Checked(&'static str, fn(&str) -> bool),
}

// The first of two patterns that match at one place wins.
const PATTERNS: [(&str, Sense); 7] = [
    (UUID, Sense::Plain),
    (TIME, Sense::Plain),
    (EMAIL, Sense::Kind("email")),
    (IBAN, Sense::Checked("iban", is_iban)),
    (SSN, Sense::Kind("ssn")),
    (CARD, Sense::Checked("card", is_card)),
    (PHONE, Sense::Kind("phone")),
];

static FINDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(true).utf8(true))
        .build_many(&PATTERNS.map(|(pattern, _)| pattern))
        .expect("the patterns are constants that the tests compile")
});

/// The text with all personal data replaced by `[REDACTED:<kind>]`; borrowed when there is none.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    if !is_suspect(text) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::new();
    let mut kept_to = 0;
    let mut at = 0;
    while let Some(found) = FINDER.search(&Input::new(text).range(at..)) {
        match judge(text, &found) {
            Some((kind, end)) => {
                clean.push_str(&text[kept_to..found.start()]);
                clean.push_str("[REDACTED:");
                clean.push_str(kind);
                clean.push(']');
                kept_to = end;
                at = end;
            }
            None => at = after_plain(&found),
        }
    }
    if kept_to == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept_to..]);
    Cow::Owned(clean)
}

fn is_suspect(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b'@') || DIGITS_MIN <= bytes.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// The kind of what was found and where it ends; nothing when it may stay.
fn judge(text: &str, found: &Match) -> Option<(&'static str, usize)> {
    match PATTERNS[found.pattern().as_usize()].1 {
        Sense::Plain => None,
        Sense::Kind(kind) => Some((kind, found.end())),
        Sense::Checked(kind, holds) => {
            let whole = &text[found.range()];
            let mut ends = word_ends(whole);
            ends.find(|end| holds(&whole[..*end])).map(|end| (kind, found.start() + end))
        }
    }
}

/// Where the search goes on after something that stays: inside it, when it only looked like an account number.
fn after_plain(found: &Match) -> usize {
    match PATTERNS[found.pattern().as_usize()].1 {
        Sense::Checked("iban", _) => found.start() + 2,
        _ => found.end(),
    }
}

// A greedy match may have swallowed the word after a number, so shorter ends are tried too.
fn word_ends(whole: &str) -> impl Iterator<Item = usize> + '_ {
    let inner =
        whole.char_indices().rev().filter(|(_, character)| !character.is_ascii_alphanumeric());
    std::iter::once(whole.len()).chain(inner.map(|(index, _)| index))
}

fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).collect();
    let weigh = |(index, digit): (usize, &u32)| match (index % 2, digit * 2) {
        (0, _) => *digit,
        (_, double) if double < 10 => double,
        (_, double) => double - 9,
    };
    (14..=19).contains(&digits.len())
        && digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// Countries with the length of their account numbers.
const IBAN_LENGTHS: &str = concat!(
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 ",
    "DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 ",
    "IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 ",
    "MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 ",
    "SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
);

// ISO 7064, mod 97-10: the country and check digits move to the end and letters count from 10. The lengths keep
// hexadecimal identifiers apart, which look like account numbers now and then.
fn is_iban(text: &str) -> bool {
    let signs: Vec<u32> = text.chars().filter_map(|character| character.to_digit(36)).collect();
    let country = text[..2].to_ascii_uppercase();
    let length = IBAN_LENGTHS.split(' ').find_map(|entry| entry.strip_prefix(&country));
    let is_long_enough = match length {
        Some(length) => length.parse() == Ok(signs.len()),
        None => (15..=34).contains(&signs.len()) && !text.bytes().any(|b| b.is_ascii_lowercase()),
    };
    let fold = |rest: u32, sign: &u32| (rest * if *sign < 10 { 10 } else { 100 } + sign) % 97;
    is_long_enough && signs[4..].iter().chain(&signs[..4]).fold(0, fold) == 1
}

#[cfg(test)]
mod tests;
