//! Amounts as JSON numbers: exact decimals of millionths, never through binary floating point.

use serde_json::value::RawValue;

const MICROS: u64 = 1_000_000;

/// An amount in US dollars, as a JSON number in its shortest form.
#[must_use]
pub fn usd(micros: i64) -> Box<RawValue> {
    RawValue::from_string(decimal(micros)).expect("a decimal is a JSON number")
}

fn decimal(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, part) = (micros.unsigned_abs() / MICROS, micros.unsigned_abs() % MICROS);
    let text = format!("{sign}{whole}.{part:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn amounts_print_exactly_and_shortly() {
        for (micros, text) in [
            (0, "0"),
            (360, "0.00036"),
            (9_999_640, "9.99964"),
            (10_000_000, "10"),
            (-1, "-0.000001"),
            (i64::MIN, "-9223372036854.775808"),
        ] {
            assert_eq!(super::usd(micros).get(), text);
        }
    }
}
