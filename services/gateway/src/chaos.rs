//! Whatever strangers may send: JSON of all sorts, and what is nearly JSON.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use serde_json::{Map, Value, json};

/// How many cases an ordinary run has; each is the same in every run.
const CASES: u64 = 2_000;
/// How much randomness a case has, in bytes.
const SIZE: u64 = 1_024;
const DEPTH_MAX: u32 = 4;
const WORDS: [&str; 14] = [
    "",
    "message",
    "cancel",
    "ping",
    "tools/call",
    "tools/list",
    "2.0",
    "en",
    "user",
    "completed",
    "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "a b",
    "\u{0}\u{7f}",
    "\u{feff}😀",
];

/// Puts a fixed number of cases to a property.
pub(crate) fn each(property: fn(&mut Unstructured<'_>) -> Result<()>) {
    for case in 0..CASES {
        // The lower half of a seed is the size of its case.
        arbtest(property).seed(case << 32 | SIZE);
    }
}

/// Looks for new cases for as long as ARBTEST_BUDGET_MS says.
pub(crate) fn long(property: fn(&mut Unstructured<'_>) -> Result<()>) {
    arbtest(property);
}

/// A value, most often one that could be meant.
pub(crate) fn value(u: &mut Unstructured<'_>) -> Result<Value> {
    nested(u, DEPTH_MAX)
}

/// An object with some of these fields, and others.
pub(crate) fn object(u: &mut Unstructured<'_>, names: &[&str]) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    for name in names {
        if u.ratio(4, 5)? {
            fields.insert((*name).to_owned(), value(u)?);
        }
    }
    if u.ratio(1, 4)? {
        fields.insert(text(u)?, value(u)?);
    }
    Ok(fields)
}

fn nested(u: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 7 })? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(u.int_in_range(-2_i64..=3)?),
        3 => json!(u.arbitrary::<f64>()?),
        4 => json!(*u.choose(&WORDS)?),
        5 => json!(text(u)?),
        6 => {
            let count = u.int_in_range(0..=3)?;
            let elements = (0..count).map(|_| nested(u, depth - 1));
            Value::Array(elements.collect::<Result<_>>()?)
        }
        _ => {
            let count = u.int_in_range(0..=3)?;
            let fields = (0..count).map(|_| Ok((text(u)?, nested(u, depth - 1)?)));
            Value::Object(fields.collect::<Result<_>>()?)
        }
    })
}

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let length = u.int_in_range(0..=12)?;
    (0..length).map(|_| u.arbitrary::<char>()).collect()
}

/// The text of a value, sometimes damaged in one place.
pub(crate) fn written(u: &mut Unstructured<'_>, value: &Value) -> Result<Vec<u8>> {
    let mut bytes = if u.arbitrary()? {
        serde_json::to_vec(value).expect("a value is JSON")
    } else {
        serde_json::to_vec_pretty(value).expect("a value is JSON")
    };
    if u.ratio(1, 3)? && !bytes.is_empty() {
        let place = u.int_in_range(0..=bytes.len() - 1)?;
        match u.int_in_range(0..=3)? {
            0 => bytes.truncate(place),
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, u.arbitrary()?),
            _ => bytes[place] = u.arbitrary()?,
        }
    }
    Ok(bytes)
}
