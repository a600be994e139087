//! A definition that is handed in, before it is a file: read, measured, and written as its file will hold it.

use std::collections::BTreeSet;

use super::folder::{self, FILE_BYTES_MAX, Source};
use super::yaml;
use crate::definition::placeholder::{Variables, names};
use crate::definition::{self, Definition, Rules, keep};
use crate::node::{Fault, Node, Place};

/// A definition as it is handed in.
#[derive(Clone, Debug)]
pub enum Text {
    /// JSON, which is stored as YAML.
    Json(String),
    /// YAML, which is stored byte for byte.
    Yaml(String),
}

/// What was there before.
pub struct Background {
    /// What the file holds that is to be replaced.
    pub stored: Option<Node>,
    /// The variables that the definitions of the folder name.
    pub known: BTreeSet<String>,
}

/// A definition that was read, and the text that its file will hold.
pub struct Draft {
    /// The definition, or everything that is wrong with it by itself.
    pub definition: Result<Definition, Vec<Fault>>,
    /// What to write when nothing is wrong.
    pub text: String,
    /// The placeholders of the file that are in it no more: the field, and the text that held them.
    pub lost: Vec<(String, String)>,
}

/// Reads a definition.
pub fn draft(text: Text, background: &Background, rules: &Rules) -> Draft {
    read(text, background, rules).unwrap_or_else(|faults| Draft {
        definition: Err(faults),
        text: String::new(),
        lost: Vec::new(),
    })
}

fn read(text: Text, background: &Background, rules: &Rules) -> Result<Draft, Vec<Fault>> {
    let one = |fault| vec![fault];
    let source = Source::of(String::new(), text.as_yaml());
    let node = source.text.and_then(|text| yaml::parse(&text)).map_err(one)?;
    let strangers = strangers(&node, &background.known);
    if !strangers.is_empty() {
        return Err(strangers);
    }
    let definition = definition::read(node.clone(), rules);
    let (text, node) = match text {
        Text::Yaml(text) => (text, node),
        Text::Json(_) => {
            settled(node, background.stored.as_ref(), &rules.variables).map_err(one)?
        }
    };
    let lost = background.stored.iter().flat_map(|old| keep::lost(Some(&node), old, "")).collect();
    Ok(Draft { definition, text, lost })
}

impl Text {
    /// JSON is YAML but for one thing: in YAML a tab may not indent. In JSON no value holds one.
    fn as_yaml(&self) -> String {
        match self {
            Self::Json(text) => text.replace('\t', " "),
            Self::Yaml(text) => text.clone(),
        }
    }
}

/// Who may change definitions need not be allowed to see every variable of the machine, and what a placeholder stands
/// for is shown to readers.
fn strangers(node: &Node, known: &BTreeSet<String>) -> Vec<Fault> {
    let stranger = |name: &String| {
        let message = format!(
            "variable `{name}` is named by no definition of the folder, and only a file may bring in a new one"
        );
        Fault::at(node.place, message)
    };
    names(node).iter().filter(|name| !known.contains(*name)).map(stranger).collect()
}

/// The YAML of a definition that came as JSON, with the placeholders that its file had.
fn settled(
    node: Node,
    stored: Option<&Node>,
    variables: &Variables,
) -> Result<(String, Node), Fault> {
    let node = match stored {
        Some(old) => keep::keep(node, old, variables),
        None => node,
    };
    let unwritable = |message: String| Fault::at(Place::default(), message);
    let text = serde_yaml::to_string(&node).map_err(|error| unwritable(error.to_string()))?;
    if FILE_BYTES_MAX < text.len() as u64 {
        return Err(folder::oversize());
    }
    match yaml::parse(&text) {
        Ok(read) if read.to_json() == node.to_json() => Ok((text, node)),
        _ => Err(unwritable("the definition cannot be written as YAML".to_owned())),
    }
}

#[cfg(test)]
mod tests;
