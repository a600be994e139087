//! Prices in cents of the shop's currency. Taxes are included in prices, as customers see them.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// The most that one price may be, in cents.
const CENTS_MAX: i64 = 100_000_000;

/// An amount in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cents(pub i64);

impl Cents {
    /// Reads `28`, `28.5` or `28.00`, exactly.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || 2 < part.len() || 9 < whole.len() {
            return None;
        }
        let cents =
            if part.len() == 1 { part.parse::<i64>().ok()? * 10 } else { part.parse().ok()? };
        let amount = whole.parse::<i64>().ok()? * 100 + cents;
        (amount <= CENTS_MAX).then_some(Self(amount))
    }

    /// This many of it.
    #[must_use]
    pub(crate) fn times(self, quantity: i64) -> Self {
        Self(self.0.saturating_mul(quantity))
    }

    /// A share of it in tenths of a percent, rounded half up.
    #[must_use]
    pub(crate) fn per_mille(self, share: i64) -> Self {
        Self((self.0 * share + 500) / 1_000)
    }

    /// The tax within it, at a rate in tenths of a percent, rounded half up.
    #[must_use]
    pub(crate) fn tax_within(self, rate: i64) -> Self {
        let whole = 1_000 + rate;
        Self((self.0 * rate + whole / 2) / whole)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        let digits = whole.to_string();
        let first = digits.len() % 3;
        for (index, digit) in digits.chars().enumerate() {
            if 0 < index && index % 3 == first {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if part == 0 { Ok(()) } else { write!(f, ".{part:02}") }
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text.trim()).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is not a price such as 28.00, at most 1000000"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Cents;

    #[test]
    fn prices_are_read_exactly() {
        let cases =
            [("28", Some(2_800)), ("28.5", Some(2_850)), ("8.50", Some(850)), ("0.00", Some(0))];
        for (text, cents) in cases {
            assert_eq!(Cents::parse(text), cents.map(Cents), "{text}");
        }
        for text in ["", ".", "1.", ".5", "1.234", "-1", "1e3", "12,50", "99999999999999999999"] {
            assert_eq!(Cents::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_as_customers_read_them() {
        let cases = [
            (0, "0"),
            (850, "8.50"),
            (2_800, "28"),
            (119_000, "1,190"),
            (123_456_789, "1,234,567.89"),
        ];
        for (cents, text) in cases {
            assert_eq!(Cents(cents).to_string(), text);
        }
    }

    #[test]
    fn tax_and_reductions_round_half_up() {
        assert_eq!(Cents(12_300).tax_within(230), Cents(2_300));
        assert_eq!(Cents(34_900).tax_within(230), Cents(6_526));
        assert_eq!(Cents(1_000).tax_within(0), Cents(0));
        assert_eq!(Cents(1_005).per_mille(100), Cents(101));
    }
}
