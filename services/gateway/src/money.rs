//! Amounts of money in JSON: exact decimals in both directions.

use chassis::config::micros_of;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

const MICROS: u64 = 1_000_000;

/// Micro-USD that appear in JSON as a number of US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = f64)]
pub struct Usd(
    /// In micro-USD.
    pub i64,
);

impl std::fmt::Display for Usd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let amount = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (amount / MICROS, amount % MICROS);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let part = format!("{part:06}");
        write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).expect("an amount is a JSON number");
        number.serialize(serializer)
    }
}

impl Usd {
    /// The amount that a JSON number states, read from its own digits.
    pub(crate) fn of_json(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse().ok()?),
            None => (text, 0),
        };
        if exponent == 0 {
            return micros_of(digits).map(Self);
        }
        micros_of(&shifted(digits, exponent)?).map(Self)
    }
}

/// The same number without an exponent, as in `2.5e-1`, which writers of JSON may use for small amounts.
fn shifted(digits: &str, exponent: i32) -> Option<String> {
    const EXPONENT_MAX: u32 = 30;
    if EXPONENT_MAX < exponent.unsigned_abs() {
        return None;
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let mut all = format!("{whole}{part}");
    let zeros = "0".repeat(usize::try_from(-point.min(0)).ok()?);
    all.insert_str(0, &zeros);
    let point = usize::try_from(point.max(0)).ok()?;
    while all.len() < point {
        all.push('0');
    }
    let (whole, part) = all.split_at(point);
    Some(format!(
        "{sign}{}.{}",
        if whole.is_empty() { "0" } else { whole },
        part.trim_end_matches('0')
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_has_at_most_six_decimals_and_no_more_than_it_needs() {
        let cases = [
            (0, "0"),
            (360, "0.00036"),
            (9_999_640, "9.99964"),
            (10_000_000, "10"),
            (100_000, "0.1"),
            (1, "0.000001"),
            (-1_500_000, "-1.5"),
            (i64::MAX, "9223372036854.775807"),
        ];
        for (micros, text) in cases {
            assert_eq!(serde_json::to_string(&Usd(micros)).unwrap(), text);
        }
    }

    #[test]
    fn an_amount_is_read_from_its_digits() {
        let cases = [
            ("0.1", Some(100_000)),
            ("10", Some(10_000_000)),
            ("10.000000", Some(10_000_000)),
            ("0.000001", Some(1)),
            ("0.0000001", None),
            ("1e-6", Some(1)),
            ("1E-7", None),
            ("2.5e-1", Some(250_000)),
            ("1.5e3", Some(1_500_000_000)),
            ("1e+2", Some(100_000_000)),
            ("-0.5", Some(-500_000)),
            ("1e400", None),
            ("9223372036855", None),
            ("\"1\"", None),
            ("true", None),
            ("25e-1", Some(2_500_000)),
        ];
        for (text, micros) in cases {
            assert_eq!(Usd::of_json(text).map(|usd| usd.0), micros, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in any::<i64>().prop_filter("", |m| *m != i64::MIN)) {
            prop_assert_eq!(Usd::of_json(&Usd(micros).to_string()), Some(Usd(micros)));
        }
    }
}
