//! How many tokens a text is worth (contract, section 18.3): an estimate that needs no model.

/// A hundredth of a token per character of Chinese, Japanese or Korean.
const DENSE: i64 = 67;
/// A hundredth of a token per character of any other script.
const PLAIN: i64 = 25;

/// The estimated number of tokens, rounded up.
#[must_use]
pub fn estimate(text: &str) -> i64 {
    (hundredths(text) + 99) / 100
}

/// The same in hundredths of a token: unlike whole tokens they add up when texts are joined.
#[must_use]
pub fn hundredths(text: &str) -> i64 {
    if text.is_ascii() {
        return i64::try_from(text.len()).map_or(i64::MAX, |length| length.saturating_mul(PLAIN));
    }
    text.chars().map(weight).sum()
}

fn weight(character: char) -> i64 {
    match character {
        '\u{4E00}'..='\u{9FFF}' | '\u{3040}'..='\u{30FF}' | '\u{AC00}'..='\u{D7A3}' => DENSE,
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn the_golden_values_hold() {
        let hundred = "x".repeat(100);
        for (text, tokens) in
            [("", 0), ("abcd", 1), ("abcde", 2), ("我要退", 3), (hundred.as_str(), 25)]
        {
            assert_eq!(estimate(text), tokens, "{text}");
        }
    }
}
