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
    let plain = |characters: usize| {
        i64::try_from(characters).map_or(i64::MAX, |count| count.saturating_mul(PLAIN))
    };
    if text.is_ascii() {
        return plain(text.len());
    }
    // All dense characters, and a few others, take three bytes with one of these first. Without an early end the loop
    // looks at many bytes at once.
    let may_be_dense = text.bytes().fold(false, |seen, byte| seen | (0xE3..=0xED).contains(&byte));
    match may_be_dense {
        true => text.chars().map(weight).sum(),
        false => plain(text.chars().count()),
    }
}

fn weight(character: char) -> i64 {
    match character {
        '\u{4E00}'..='\u{9FFF}' | '\u{3040}'..='\u{30FF}' | '\u{AC00}'..='\u{D7A3}' => DENSE,
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{estimate, hundredths, weight};

    #[test]
    fn the_golden_values_hold() {
        let hundred = "x".repeat(100);
        let cases = [
            ("", 0),
            ("abcd", 1),
            ("abcde", 2),
            ("我要退", 3),
            (hundred.as_str(), 25),
            ("äöüß€", 2),
            ("ぁヿ一鿿가힣", 5),
        ];
        for (text, tokens) in cases {
            assert_eq!(estimate(text), tokens, "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_are_counted_as_their_characters_are(text in any::<String>(), dense in "[가-힣一-龠a-z]{0,9}") {
            for text in [&text, &dense, &format!("{text}{dense}")] {
                prop_assert_eq!(hundredths(text), text.chars().map(weight).sum::<i64>());
            }
        }
    }
}
