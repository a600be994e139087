//! What a name in a text stands for, written one way: 2026-03-12, 1299.50 EUR, +4917012345678.

use chrono::NaiveDate;

use super::extract::{Found, Kind};
use super::lexicon::MONTH_STEMS;

/// The value of a name, and whether it is certain.
pub(super) fn resolve(found: &Found<'_>) -> (String, bool) {
    let text = found.text;
    let value = match found.kind {
        Kind::Email => Some(text.to_lowercase()),
        Kind::OrderId => Some(text.to_uppercase()),
        Kind::Phone => {
            Some(text.chars().filter(|sign| sign.is_ascii_digit() || *sign == '+').collect())
        }
        Kind::Url | Kind::Person => Some(text.to_owned()),
        Kind::Amount => amount(text),
        Kind::Date => date(text).map(|date| date.to_string()),
    };
    match value {
        Some(value) => (value, true),
        None => (text.to_owned(), false),
    }
}

const CURRENCIES: [(&str, &str); 16] = [
    ("€", "EUR"),
    ("eur", "EUR"),
    ("£", "GBP"),
    ("gbp", "GBP"),
    ("pound", "GBP"),
    ("libra", "GBP"),
    ("livre", "GBP"),
    ("¥", "JPY"),
    ("chf", "CHF"),
    ("fran", "CHF"),
    ("us$", "USD"),
    ("usd", "USD"),
    ("$", "USD"),
    ("dollar", "USD"),
    ("dólar", "USD"),
    ("jpy", "JPY"),
];

fn amount(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let (_, currency) = CURRENCIES.iter().find(|(sign, _)| lower.contains(sign))?;
    let is_number = |sign: char| sign.is_ascii_digit();
    let number = &text[text.find(is_number)?..text.rfind(is_number)? + 1];
    // A separator with one or two digits after it at the end is the decimal one; all others group thousands.
    let decimals = number.rfind(['.', ',']).filter(|at| number.len() - at <= 3);
    let (whole, cents) =
        decimals.map_or((number, None), |at| (&number[..at], Some(&number[at + 1..])));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    Some(match cents {
        Some(cents) => format!("{whole}.{cents:0<2} {currency}"),
        None => format!("{whole} {currency}"),
    })
}

/// The date, when year, month and day are certain.
fn date(text: &str) -> Option<NaiveDate> {
    let numbers: Vec<&str> =
        text.split(|sign: char| !sign.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let number = |index: usize| numbers.get(index)?.parse::<u32>().ok();
    let year = |index: usize| match numbers.get(index)?.len() {
        4 => numbers[index].parse::<i32>().ok(),
        2 => numbers[index].parse::<i32>().ok().map(|year| 2_000 + year),
        _ => None,
    };
    match numbers.len() {
        3 if numbers[0].len() == 4 => NaiveDate::from_ymd_opt(year(0)?, number(1)?, number(2)?),
        3 if text.contains('.') => NaiveDate::from_ymd_opt(year(2)?, number(1)?, number(0)?),
        // 3/4 is March in one country and April in another; 13/4 and 4/13 are certain.
        3 => match (number(0)?, number(1)?) {
            (day, month) if 12 < day || day == month => {
                NaiveDate::from_ymd_opt(year(2)?, month, day)
            }
            (month, day) if 12 < day => NaiveDate::from_ymd_opt(year(2)?, month, day),
            _ => None,
        },
        2 => NaiveDate::from_ymd_opt(year(1)?, month(text)?, number(0)?),
        _ => None,
    }
}

fn month(text: &str) -> Option<u32> {
    let lower = text.to_lowercase();
    let words = lower.split(|sign: char| !sign.is_alphabetic());
    let stem = |word: &str| {
        MONTH_STEMS
            .iter()
            .filter(|(stem, _)| word.starts_with(stem))
            .max_by_key(|(stem, _)| stem.len())
    };
    words
        .filter(|word| !matches!(*word, "st" | "nd" | "rd" | "th" | "er" | "de" | "del" | "of"))
        .find_map(stem)
        .map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::super::extract::extract;
    use super::*;

    #[test]
    fn values_are_written_one_way() {
        let cases = [
            ("12. März 2026", "2026-03-12", true),
            ("March 12, 2026", "2026-03-12", true),
            ("12 de agosto de 2026", "2026-08-12", true),
            ("le 1er juin 2026", "2026-06-01", true),
            ("12 juillet 2026", "2026-07-12", true),
            ("3rd of December 2026", "2026-12-03", true),
            ("2026-03-12", "2026-03-12", true),
            ("12.03.26", "2026-03-12", true),
            ("13/04/2026", "2026-04-13", true),
            ("04/13/2026", "2026-04-13", true),
            ("3/4/2026", "3/4/2026", false),
            ("31.02.2026", "31.02.2026", false),
            ("5 de mayo", "5 de mayo", false),
            ("$1,299.50", "1299.50 USD", true),
            ("1.299,50 €", "1299.50 EUR", true),
            ("1 299,5 €", "1299.50 EUR", true),
            ("CHF 12", "12 CHF", true),
            ("30 dólares", "30 USD", true),
            ("1,299 USD", "1299 USD", true),
            ("Anna@Example.com", "anna@example.com", true),
            ("ord-48213", "ORD-48213", true),
            ("+49 170 1234567", "+491701234567", true),
        ];
        for (text, value, is_certain) in cases {
            let mut values = Vec::new();
            extract(text, 0..text.len(), |found| values.push(resolve(&found)));
            assert_eq!(values, [(value.to_owned(), is_certain)], "{text}");
        }
    }
}
