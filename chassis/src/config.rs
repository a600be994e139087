//! Settings, read once at start from the environment. Every fault is collected, so that all are listed at once.

mod common;
mod parse;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

pub use self::common::{Common, Ports, calls_max};
pub use self::parse::micros_of;

/// The lowest time that a test may set, in milliseconds.
const TEST_MILLIS_MIN: i64 = 10;

/// What kind of place the process runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A person's machine: convenient defaults on loopback.
    Development,
    /// Customers: nothing is assumed.
    Production,
    /// Tests: times may be short.
    Test,
}

/// The variables of the process and the faults found in them so far.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    faults: Vec<String>,
}

/// Every fault of the settings, one a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Errors(pub Vec<String>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are not valid:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Errors {}

impl Environment {
    /// The variables of this process: the only place that reads them.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
    pub fn of_process() -> Self {
        let text = |value: std::ffi::OsString| value.into_string().ok();
        Self::of(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))))
    }

    /// Exactly these variables.
    pub fn of<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self { variables, faults: Vec::new() }
    }

    /// All variables, for placeholders in files.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Sets a variable that has no value, as a composition of several services does for its parts.
    pub fn fill(&mut self, name: &str, value: &str) {
        if self.text(name).is_none() {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Sets a variable, whatever it was.
    pub fn replace(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Adds a fault of the named variable.
    pub fn fault(&mut self, name: &str, message: impl Into<String>) {
        let fault = format!("{name}: {}", message.into());
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// All faults, if there are any.
    pub fn finish(self) -> Result<(), Errors> {
        if self.faults.is_empty() { Ok(()) } else { Err(Errors(self.faults)) }
    }

    /// A text; empty counts as unset.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A text with a default.
    pub fn text_or(&mut self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    /// A path with a default.
    pub fn path(&mut self, name: &str, default: &str) -> PathBuf {
        PathBuf::from(self.text_or(name, default))
    }

    /// true, false, 1, 0, yes, no, on or off, in any case.
    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(other) => {
                self.fault(
                    name,
                    format!("'{other}' is not one of true, false, 1, 0, yes, no, on, off"),
                );
                default
            }
        }
    }

    /// A whole number within a range.
    pub fn integer(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        self.within(name, default, &range, "a whole number")
    }

    /// A time in milliseconds within a range, whose lower end is 10 in tests.
    pub fn millis(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        let low = if self.mode() == Mode::Test {
            TEST_MILLIS_MIN.min(*range.start())
        } else {
            *range.start()
        };
        self.integer(name, default, low..=*range.end())
    }

    /// A number within a range.
    pub fn number(&mut self, name: &str, default: f64, range: RangeInclusive<f64>) -> f64 {
        self.within(name, default, &range, "a number")
    }

    /// An amount in US dollars, parsed exactly into micro-USD, within a range of micro-USD.
    pub fn micros(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        let Some(text) = self.text(name) else { return default };
        match micros_of(&text) {
            Some(micros) if range.contains(&micros) => micros,
            _ => {
                self.fault(
                    name,
                    format!(
                        "'{text}' is not an amount in USD with at most 6 decimals within the range"
                    ),
                );
                default
            }
        }
    }

    /// A comma list, trimmed, without empty parts.
    pub fn list(&mut self, name: &str, default: &[&str]) -> Vec<String> {
        let Some(text) = self.text(name) else {
            return default.iter().map(|&part| part.to_owned()).collect();
        };
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// One of the named values.
    pub fn choice<T: Clone>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(text) = self.text(name) else { return default };
        if let Some((_, value)) =
            choices.iter().find(|(choice, _)| choice.eq_ignore_ascii_case(&text))
        {
            return value.clone();
        }
        let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        self.fault(name, format!("'{text}' is not one of {}", names.join(", ")));
        default
    }

    /// A URL.
    pub fn url(&mut self, name: &str) -> Option<Url> {
        self.parsed(name, "a URL")
    }

    /// A URL with a default.
    pub fn url_or(&mut self, name: &str, default: &str) -> Url {
        self.url(name).unwrap_or_else(|| default.parse().expect("a default URL is valid"))
    }

    /// A socket address, as in `127.0.0.1:3000`.
    pub fn address(&mut self, name: &str, default: &str) -> SocketAddr {
        self.parsed(name, "an address such as 127.0.0.1:3000")
            .unwrap_or_else(|| default.parse().expect("a default address is valid"))
    }

    /// MESH_ENV, or its alias NODE_ENV.
    pub fn mode(&mut self) -> Mode {
        let choices = [
            ("development", Mode::Development),
            ("production", Mode::Production),
            ("test", Mode::Test),
        ];
        let name = if self.text("MESH_ENV").is_some() { "MESH_ENV" } else { "NODE_ENV" };
        self.choice(name, Mode::Development, &choices)
    }

    fn parsed<T: FromStr>(&mut self, name: &str, kind: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.fault(name, format!("'{text}' is not {kind}"));
        }
        value
    }

    fn within<T>(&mut self, name: &str, default: T, range: &RangeInclusive<T>, kind: &str) -> T
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let Some(text) = self.text(name) else { return default };
        match text.parse::<T>() {
            Ok(value) if range.contains(&value) => value,
            Ok(_) => {
                self.fault(
                    name,
                    format!("{text} is not within {} to {}", range.start(), range.end()),
                );
                default
            }
            Err(_) => {
                self.fault(name, format!("'{text}' is not {kind}"));
                default
            }
        }
    }
}

#[cfg(test)]
mod tests;
