//! What a tool takes and gives: one description for the schema that clients see and for the check that is made.

use serde_json::{Map, Value, json};

use crate::fields::Fields;
use crate::problem::Problem;

/// One field of a tool's input or output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    kind: Kind,
    is_required: bool,
    about: &'static str,
}

/// The type of a field, with its bounds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text of 1 to so many characters.
    Text(usize),
    /// One of these texts, in any case.
    Choice(&'static [&'static str]),
    /// A text or null.
    TextOrNull,
    /// A number from 0 to 1.
    Share,
    /// A whole number that is not negative.
    Count,
    /// True or false.
    Flag,
    /// An object of so many bytes.
    Object(usize),
    /// A list of objects.
    Objects,
    /// A list of texts.
    Texts,
}

impl Argument {
    /// A field that has to be there.
    pub(super) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, is_required: true, about }
    }

    /// A field that may be missing.
    pub(super) const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, is_required: false, about }
    }

    fn schema(&self, is_input: bool) -> Value {
        let mut schema = match self.kind {
            Kind::Text(longest) if is_input => {
                json!({"type": "string", "minLength": 1, "maxLength": longest})
            }
            Kind::Choice(choices) if is_input => json!({"type": "string", "enum": choices}),
            Kind::Text(_) | Kind::Choice(_) => json!({"type": "string"}),
            Kind::TextOrNull => json!({"type": ["string", "null"]}),
            Kind::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
            Kind::Count => json!({"type": "integer", "minimum": 0}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Object(_) => json!({"type": "object"}),
            Kind::Objects => json!({"type": "array", "items": {"type": "object"}}),
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        };
        schema["description"] = json!(self.about);
        schema
    }

    /// A value that fits.
    #[cfg(test)]
    pub(super) fn example(&self) -> Value {
        match self.kind {
            Kind::Text(_) | Kind::TextOrNull => json!("text"),
            Kind::Choice(choices) => json!(choices[0]),
            Kind::Share => json!(0.5),
            Kind::Count => json!(1),
            Kind::Flag => json!(true),
            Kind::Object(_) => json!({}),
            Kind::Objects | Kind::Texts => json!([]),
        }
    }

    fn check(&self, fields: &mut Fields<'_>) {
        if !fields.has(self.name) {
            if self.is_required {
                fields.reject(self.name, "is required");
            }
            return;
        }
        match self.kind {
            Kind::Text(longest) => drop(fields.text_up_to(self.name, longest)),
            Kind::Choice(choices) => drop(fields.choice(self.name, choices)),
            Kind::TextOrNull => drop(fields.text(self.name)),
            Kind::Share => drop(fields.share(self.name)),
            Kind::Count => drop(fields.count(self.name)),
            Kind::Flag => drop(fields.flag(self.name)),
            Kind::Object(longest) => drop(fields.raw_object(self.name, longest)),
            Kind::Objects => drop(fields.elements(self.name, LIST_MAX)),
            Kind::Texts => drop(fields.texts(self.name, LIST_MAX)),
        }
    }
}

/// The elements of a list.
const LIST_MAX: usize = 1_000;

/// The schema of an input: what is required has to be there, and further fields are ignored.
pub(super) fn input_schema(arguments: &[Argument]) -> Map<String, Value> {
    let required = arguments.iter().filter(|argument| argument.is_required);
    let required: Vec<_> = required.map(|argument| argument.name).collect();
    let mut schema = object(arguments, true);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// The schema of an output. Nothing is required, because a failure shows the body of an error instead.
pub(super) fn output_schema(arguments: &[Argument]) -> Map<String, Value> {
    object(arguments, false)
}

fn object(arguments: &[Argument], is_input: bool) -> Map<String, Value> {
    let field = |argument: &Argument| (argument.name.to_owned(), argument.schema(is_input));
    let properties: Map<_, _> = arguments.iter().map(field).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema
}

/// Arguments that were found to be right.
pub(super) struct Given<'a>(Fields<'a>);

impl<'a> Given<'a> {
    /// Reads arguments against their description.
    pub(super) fn read(arguments: &[Argument], text: &'a str) -> Result<Self, Problem> {
        let mut fields = Fields::parse(text.as_bytes())?;
        for argument in arguments {
            argument.check(&mut fields);
        }
        fields.finish(())?;
        Ok(Self(Fields::parse(text.as_bytes())?))
    }

    /// A text, or an empty one.
    pub(super) fn text(&mut self, name: &str) -> String {
        self.0.text(name).unwrap_or_default()
    }

    /// A text that may be missing.
    pub(super) fn some(&mut self, name: &str) -> Option<String> {
        self.0.text(name)
    }

    /// One of the named texts.
    pub(super) fn choice(&mut self, name: &str, choices: &[&'static str]) -> &'static str {
        self.0.choice(name, choices).unwrap_or_default()
    }

    /// A number from 0 to 1.
    pub(super) fn share(&mut self, name: &str) -> f64 {
        self.0.share(name).unwrap_or_default()
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.0.flag(name).unwrap_or_default()
    }

    /// An object, byte for byte, or an empty text.
    pub(super) fn object(&mut self, name: &str) -> String {
        self.0.raw_object(name, usize::MAX).unwrap_or_default()
    }
}
