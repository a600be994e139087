//! What an agent says a call has used, read without binary fractions.

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ReplyUsage;
use super::reply::is_storable;

const MICROS: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// A `usage` block is there, but it is not one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

#[derive(Deserialize)]
struct Fields<'a> {
    model: Option<String>,
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cost_usd: Option<&'a RawValue>,
}

/// Reads a `usage` block; one without any number says nothing.
pub(super) fn read(block: &RawValue) -> Result<Option<ReplyUsage>, Invalid> {
    if !block.get().starts_with('{') {
        return Err(Invalid);
    }
    let fields: Fields<'_> = serde_json::from_str(block.get()).map_err(|_| Invalid)?;
    if !fields.model.as_deref().is_none_or(is_storable) {
        return Err(Invalid);
    }
    let input_tokens = fields.input_tokens.map(tokens).transpose()?;
    let output_tokens = fields.output_tokens.map(tokens).transpose()?;
    let cost_micros = fields.cost_usd.map(micros).transpose()?;
    if input_tokens.is_none() && output_tokens.is_none() && cost_micros.is_none() {
        return Ok(None);
    }
    let (input_tokens, output_tokens) = (input_tokens.unwrap_or(0), output_tokens.unwrap_or(0));
    let model = fields.model.filter(|model| !model.is_empty());
    Ok(Some(ReplyUsage { model, input_tokens, output_tokens, cost_micros }))
}

fn tokens(number: &RawValue) -> Result<i64, Invalid> {
    amount(number)?.ceil().to_i64().ok_or(Invalid)
}

/// Millionths of a dollar; what is finer is rounded half up.
fn micros(number: &RawValue) -> Result<i64, Invalid> {
    let micros = amount(number)?.checked_mul(MICROS).ok_or(Invalid)?;
    micros.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().ok_or(Invalid)
}

/// A number that is not negative, exactly as it is written.
fn amount(number: &RawValue) -> Result<Decimal, Invalid> {
    let text = number.get();
    let is_scientific = text.contains(['e', 'E']);
    let amount =
        if is_scientific { Decimal::from_scientific(text) } else { Decimal::from_str_exact(text) };
    amount.ok().filter(|amount| !amount.is_sign_negative() || amount.is_zero()).ok_or(Invalid)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Invalid, read};
    use crate::dispatch::ReplyUsage;

    fn of(text: &str) -> Result<Option<ReplyUsage>, Invalid> {
        read(&RawValue::from_string(text.to_owned()).expect("the test writes JSON"))
    }

    fn cost(number: &str) -> Result<Option<i64>, Invalid> {
        Ok(of(&format!(r#"{{"cost_usd":{number}}}"#))?.and_then(|usage| usage.cost_micros))
    }

    #[test]
    fn a_block_is_read_whole() {
        let usage = of(
            r#"{"model":"gpt-4o-mini","input_tokens":812,"output_tokens":64,"cost_usd":0.05,"x":1}"#,
        );
        let model = Some("gpt-4o-mini".to_owned());
        let expected =
            ReplyUsage { model, input_tokens: 812, output_tokens: 64, cost_micros: Some(50_000) };
        assert_eq!(usage, Ok(Some(expected)));
    }

    #[test]
    fn a_cost_is_an_exact_decimal() {
        let golden = [
            ("0.000001", 1),
            ("0.29", 290_000),
            ("1.005", 1_005_000),
            ("2e-5", 20),
            ("1.5E2", 150_000_000),
            ("0.30000000000000004", 300_000),
            ("0.0000005", 1),
            ("0.0000004", 0),
            ("0", 0),
            ("-0.0", 0),
        ];
        for (number, micros) in golden {
            assert_eq!(cost(number), Ok(Some(micros)), "{number}");
        }
    }

    #[test]
    fn what_is_not_a_count_or_an_amount_is_invalid() {
        for number in ["-0.01", "\"0.05\"", "1e400", "true", "[]", "99999999999999"] {
            assert_eq!(cost(number), Err(Invalid), "{number}");
        }
        for block in
            ["[]", "7", "\"free\"", r#"{"input_tokens":-1}"#, r#"{"model":4,"input_tokens":1}"#]
        {
            assert_eq!(of(block), Err(Invalid), "{block}");
        }
    }

    #[test]
    fn a_model_that_cannot_be_stored_is_none() {
        assert_eq!(of(r#"{"model":"gpt\u0000","input_tokens":1}"#), Err(Invalid));
    }

    #[test]
    fn a_block_without_numbers_says_nothing() {
        for block in ["{}", r#"{"model":"gpt-4o"}"#, r#"{"input_tokens":null}"#] {
            assert_eq!(of(block), Ok(None), "{block}");
        }
    }
}
