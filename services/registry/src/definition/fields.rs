//! Reading an object field by field, so that one pass over a file finds everything that is wrong with it.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::node::{Fault, Key, Node, Place, Value};

/// A value that was read, or everything that is wrong with it.
pub type Read<T> = Result<T, Vec<Fault>>;

/// The fields of one object: which were asked for, and what was wrong with them.
pub struct Fields<'a> {
    place: Place,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The fields of an object; any other value is a fault.
    pub fn of(node: &'a Node) -> Read<Self> {
        match &node.value {
            Value::Object(entries) => {
                Ok(Self { place: node.place, entries, known: Vec::new(), faults: Vec::new() })
            }
            _ => expected("an object", node),
        }
    }

    /// A field that must be there. When it is not, or is wrong, the fault is kept and a stand-in returned.
    pub fn required<T: Default>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node) -> Read<T>,
    ) -> T {
        if !self.has(name) {
            let fault = Fault::at(self.place, format!("`{name}` is missing"));
            self.faults.push(fault.within(name));
        }
        self.optional(name, read).unwrap_or_default()
    }

    /// A field that may be left out, or be null.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node) -> Read<T>,
    ) -> Option<T> {
        self.known.push(name);
        match read(self.find(name)?) {
            Ok(value) => Some(value),
            Err(faults) => {
                let named = |fault: Fault| {
                    let message = format!("{name}: {}", fault.message);
                    Fault { message, ..fault.within(name) }
                };
                self.faults.extend(faults.into_iter().map(named));
                None
            }
        }
    }

    /// Keeps a fault of a field that concerns others too.
    pub fn fail(&mut self, name: &str, message: impl Display) {
        let fault = Fault::at(self.place(name), format!("{name}: {message}"));
        self.faults.push(fault.within(name));
    }

    /// Says whether a field is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Where a field's value stands, or the object when there is none.
    pub fn place(&self, name: &str) -> Place {
        self.find(name).map_or(self.place, |node| node.place)
    }

    /// All faults in the order of the file, also every key that nobody asked for.
    pub fn finish(mut self) -> Vec<Fault> {
        for (key, _) in self.entries {
            if !self.known.contains(&key.name.as_str()) {
                let fault = Fault::at(key.place, format!("unknown key `{}`", key.name));
                self.faults.push(fault.within(&key.name));
            }
        }
        self.finish_open()
    }

    /// All faults in the order of the file, where keys of the author's own are welcome.
    pub fn finish_open(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|fault| fault.place);
        self.faults
    }

    fn find(&self, name: &str) -> Option<&'a Node> {
        let (_, node) = self.entries.iter().find(|(key, _)| key.name == name)?;
        (node.value != Value::Null).then_some(node)
    }
}

/// A string with a length within the range, in characters.
pub fn text(node: &Node, length: RangeInclusive<usize>) -> Read<String> {
    let Value::Text(text) = &node.value else {
        return expected("a string", node);
    };
    let count = text.chars().count();
    if !length.contains(&count) {
        let (min, max) = length.into_inner();
        return wrong(node, format!("must have {min} to {max} characters, has {count}"));
    }
    Ok(text.clone())
}

/// true or false.
pub fn boolean(node: &Node) -> Read<bool> {
    match node.value {
        Value::Bool(value) => Ok(value),
        _ => expected("a boolean", node),
    }
}

/// A whole number within the range.
pub fn integer(node: &Node, range: RangeInclusive<i64>) -> Read<i64> {
    let Value::Integer(value) = node.value else {
        return expected("a whole number", node);
    };
    if !range.contains(&value) {
        let (min, max) = range.into_inner();
        return wrong(node, format!("must be {min} to {max}, is {value}"));
    }
    Ok(value)
}

/// A number from 0 to 1.
pub fn share(node: &Node) -> Read<f64> {
    let value = match node.value {
        Value::Number(value) => value,
        Value::Integer(value) if (0..=1).contains(&value) => f64::from(value != 0),
        Value::Integer(value) => return wrong(node, format!("must be 0 to 1, is {value}")),
        _ => return expected("a number", node),
    };
    if !(0.0..=1.0).contains(&value) {
        return wrong(node, format!("must be 0 to 1, is {value}"));
    }
    Ok(value)
}

/// One of a few words.
pub fn word(node: &Node, words: &[&str]) -> Read<String> {
    let text = text(node, 0..=64)?;
    if !words.contains(&text.as_str()) {
        return wrong(node, format!("must be one of {}, is `{text}`", words.join(", ")));
    }
    Ok(text)
}

/// A list with a length within the range, each item read alike.
pub fn list<T>(
    node: &Node,
    length: RangeInclusive<usize>,
    read: impl Fn(&Node) -> Read<T>,
) -> Read<Vec<T>> {
    let Value::List(items) = &node.value else {
        return expected("a list", node);
    };
    if !length.contains(&items.len()) {
        let (min, max) = length.into_inner();
        return wrong(node, format!("must have {min} to {max} items, has {}", items.len()));
    }
    let mut values = Vec::with_capacity(items.len());
    let mut faults = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match read(item) {
            Ok(value) => values.push(value),
            Err(wrong) => {
                faults.extend(wrong.into_iter().map(|fault| fault.within(&format!("[{index}]"))));
            }
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// The fault of a value that is of another kind.
pub fn expected<T>(kind: &str, node: &Node) -> Read<T> {
    wrong(node, format!("must be {kind}, is {}", node.kind()))
}

/// The fault of a value that breaks a rule.
pub fn wrong<T>(node: &Node, message: impl Into<String>) -> Read<T> {
    Err(vec![Fault::at(node.place, message)])
}
