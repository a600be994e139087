//! Reading a JSON object field by field: every broken rule is told, and what must pass unchanged keeps its bytes.

use std::collections::HashMap;

use chassis::fault::Violation;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::money::Usd;
use crate::problem::Problem;

/// The fields of an object and the rules broken so far. Unknown fields are ignored; null counts as absent.
pub(crate) struct Fields<'a> {
    values: HashMap<String, &'a RawValue>,
    prefix: &'static str,
    violations: Vec<Violation>,
}

impl<'a> Fields<'a> {
    /// Reads the text of an object.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(text) {
            Ok(values) => Ok(Self::of(values, "")),
            Err(_) if serde_json::from_slice::<&RawValue>(text).is_ok() => {
                Err(Problem::invalid_field("", "is not an object"))
            }
            Err(_) => Err(Problem::new("invalid_json")),
        }
    }

    /// Reads the text of an object within another one; its fields are told with this prefix.
    pub(crate) fn within(text: &'a str, prefix: &'static str) -> Result<Self, Problem> {
        Ok(Self { prefix, ..Self::parse(text.as_bytes())? })
    }

    fn of(mut values: HashMap<String, &'a RawValue>, prefix: &'static str) -> Self {
        values.retain(|_, value| value.get() != "null");
        Self { values, prefix, violations: Vec::new() }
    }

    /// Notes a broken rule.
    pub(crate) fn reject(&mut self, name: &str, message: impl Into<String>) {
        let path = format!("{}{name}", self.prefix);
        self.violations.push(Violation { path, message: message.into() });
    }

    /// Ends the reading: with what was read if no rule was broken.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.violations.is_empty() { Ok(value) } else { Err(Problem::invalid(self.violations)) }
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.typed(name, "is not a string")
    }

    /// A text of so many characters.
    pub(crate) fn text_up_to(&mut self, name: &str, longest: usize) -> Option<String> {
        let text = self.text(name)?;
        if !(1..=longest).contains(&text.chars().count()) {
            self.reject(name, format!("has 1 to {longest} characters"));
        }
        Some(text)
    }

    /// One of the named texts, in any case.
    pub(crate) fn choice(&mut self, name: &str, choices: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let found = choices.iter().find(|choice| choice.eq_ignore_ascii_case(&text)).copied();
        if found.is_none() {
            self.reject(name, format!("is none of {}", choices.join(", ")));
        }
        found
    }

    /// A list of texts, with a bound on the list and on each text.
    pub(crate) fn texts(&mut self, name: &str, most: usize) -> Vec<String> {
        const CHARACTERS_MAX: usize = 256;
        let texts: Vec<String> = self.typed(name, "is not a list of strings").unwrap_or_default();
        if most < texts.len() || texts.iter().any(|text| CHARACTERS_MAX < text.chars().count()) {
            self.reject(name, format!("has at most {most} strings of {CHARACTERS_MAX} characters"));
        }
        texts
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&mut self, name: &str) -> Option<i64> {
        let number: i64 = self.typed(name, "is not a whole number")?;
        if number < 0 {
            self.reject(name, "is negative");
        }
        Some(number)
    }

    /// A number from 0 to 1.
    pub(crate) fn share(&mut self, name: &str) -> Option<f64> {
        let number: f64 = self.typed(name, "is not a number")?;
        if !(0.0..=1.0).contains(&number) {
            self.reject(name, "is not within 0 to 1");
        }
        Some(number)
    }

    /// Numbers from 0 to 1.
    pub(crate) fn shares(&mut self, name: &str) -> Vec<f64> {
        let numbers: Vec<f64> = self.typed(name, "is not a list of numbers").unwrap_or_default();
        if !numbers.iter().all(|number| (0.0..=1.0).contains(number)) {
            self.reject(name, "has numbers that are not within 0 to 1");
        }
        numbers
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.typed(name, "is not a boolean")
    }

    /// An amount in US dollars.
    pub(crate) fn usd(&mut self, name: &str) -> Option<i64> {
        let text = self.values.get(name)?.get();
        match Usd::of_json(text) {
            Some(Usd(micros)) if 0 <= micros => Some(micros),
            _ => {
                self.reject(name, "is not an amount in USD with at most 6 decimals");
                None
            }
        }
    }

    /// The text of an object of bounded size, byte for byte.
    pub(crate) fn raw_object(&mut self, name: &str, longest: usize) -> Option<String> {
        let text = self.values.get(name)?.get();
        if !text.starts_with('{') {
            self.reject(name, "is not an object");
        } else if longest < text.len() {
            self.reject(name, format!("has at most {longest} bytes"));
        }
        Some(text.to_owned())
    }

    /// The fields of an object within, whose own faults are to be [taken over](Self::absorb).
    pub(crate) fn object(&mut self, name: &str, prefix: &'static str) -> Option<Fields<'a>> {
        let values = *self.values.get(name)?;
        match serde_json::from_str(values.get()) {
            Ok(values) => Some(Self::of(values, prefix)),
            Err(_) => {
                self.reject(name, "is not an object");
                None
            }
        }
    }

    /// The elements of a list of bounded length.
    pub(crate) fn elements(&mut self, name: &str, most: usize) -> Vec<&'a RawValue> {
        let Some(value) = self.values.get(name) else { return Vec::new() };
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(elements) if elements.len() <= most => elements,
            Ok(_) => {
                self.reject(name, format!("has at most {most} elements"));
                Vec::new()
            }
            Err(_) => {
                self.reject(name, "is not a list");
                Vec::new()
            }
        }
    }

    /// Takes over the faults of an object within.
    pub(crate) fn absorb(&mut self, inner: Fields<'_>) {
        self.violations.extend(inner.violations);
    }

    fn typed<T: Deserialize<'a>>(&mut self, name: &str, fault: &str) -> Option<T> {
        let value = *self.values.get(name)?;
        let parsed = serde_json::from_str(value.get()).ok();
        if parsed.is_none() {
            self.reject(name, fault);
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_object_is_told_apart_from_what_is_not_json() {
        let code = |text: &str| Fields::parse(text.as_bytes()).err().map(|p| p.code().to_owned());
        assert_eq!(code("{\"a\":1}"), None);
        for broken in ["", "{", "{\"a\":}", "nonsense", "{\"a\":1}x", "\u{feff}{}", "["] {
            assert_eq!(code(broken).as_deref(), Some("invalid_json"), "{broken}");
        }
        for other in ["[]", "7", "\"text\"", "null"] {
            assert_eq!(code(other).as_deref(), Some("invalid_request"), "{other}");
        }
        assert!(Fields::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn every_broken_rule_is_told() {
        let text = br#"{"a":7,"b":"","c":-1,"d":"up","e":0.0000001,"f":[1],"g":"x","n":null}"#;
        let mut fields = Fields::parse(text).unwrap();
        fields.text("a");
        fields.text_up_to("b", 5);
        fields.count("c");
        fields.choice("d", &["left", "right"]);
        fields.usd("e");
        fields.texts("f", 3);
        assert_eq!(fields.raw_object("g", 10).as_deref(), Some("\"x\""));
        assert_eq!(fields.text("n"), None, "null counts as absent");
        let body = fields.finish(()).unwrap_err().body("r");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let paths: Vec<_> = body["details"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["path"].as_str().unwrap())
            .collect();
        assert_eq!(paths, ["a", "b", "c", "d", "e", "f", "g"]);
    }

    #[test]
    fn an_object_keeps_its_bytes_and_an_amount_its_digits() {
        let text = br#"{"m": {"x" : 1.10,  "y":[12345678901234567890]}, "limit_usd": 0.1}"#;
        let mut fields = Fields::parse(text).unwrap();
        let metadata = fields.raw_object("m", 100).unwrap();
        assert_eq!(metadata, r#"{"x" : 1.10,  "y":[12345678901234567890]}"#);
        assert_eq!(fields.usd("limit_usd"), Some(100_000));
    }
}
