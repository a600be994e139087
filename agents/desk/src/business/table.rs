//! Reading a CSV file row by row, noting every mistake with its line.

use jiff::civil::Date;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer};

use super::fault::Faults;

/// A row and the line where it starts.
#[derive(Clone, Debug)]
pub(crate) struct Row<T> {
    /// What the row says.
    pub(crate) value: T,
    /// Its line, counted from 1.
    pub(crate) line: u64,
}

/// All rows of a file that can be read; the others are noted.
pub(crate) fn rows<T: DeserializeOwned>(
    file: &str,
    text: &str,
    faults: &mut Faults,
) -> Vec<Row<T>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => {
            faults.add(file, 1, error.to_string());
            return Vec::new();
        }
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let read = record.and_then(|record| {
            let line = record.position().map_or(0, csv::Position::line);
            record.deserialize(Some(&headers)).map(|value| Row { value, line })
        });
        match read {
            Ok(row) => rows.push(row),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.add(file, line, message(&error, &headers));
            }
        }
    }
    rows
}

/// Reads a day such as `2026-12-24`; an empty field is none.
pub(crate) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let date = text.parse();
    date.map(Some)
        .map_err(|_| de::Error::custom(format!("`{text}` is not a day such as 2026-12-24")))
}

fn message(error: &csv::Error, headers: &csv::StringRecord) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| headers.get(usize::try_from(field).ok()?));
            let prefix = column.map(|column| format!("{column}: ")).unwrap_or_default();
            match err.kind() {
                csv::DeserializeErrorKind::ParseInt(_) => format!("{prefix}not a whole number"),
                kind => format!("{prefix}{kind}"),
            }
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, the first line has {expected_len}")
        }
        _ => error.to_string(),
    }
}
