//! What must hold for all definitions together.

use std::collections::BTreeMap;

use proto::v1::{Agent, DefinitionError};

use super::Definition;
use crate::node::{Fault, Place};

/// How much of what is odd about a set is told.
const ODDITIES_MAX: usize = 100;

/// All agents of one generation: valid, unique, sorted by id, with exactly one default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    /// Who answers when nobody else fits.
    pub default_agent_id: String,
    /// The agents, sorted by id.
    pub agents: Vec<Agent>,
}

impl Set {
    /// The agent of this id.
    pub fn agent(&self, agent_id: &str) -> Option<&Agent> {
        let index = self.agents.binary_search_by(|agent| agent.agent_id.as_str().cmp(agent_id));
        index.ok().map(|index| &self.agents[index])
    }
}

/// A valid definition and the name of its file.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name of the file.
    pub file: String,
    /// What it defines.
    pub definition: Definition,
}

/// A fault as the file's author sees it.
pub fn error(file: &str, fault: Fault) -> DefinitionError {
    let Place { line, column } = fault.place;
    let (path, message) = (fault.path, fault.message);
    DefinitionError { file: file.to_owned(), line, column, message, path }
}

/// Joins the definitions of all files that are valid by themselves. Whether a default is missing can only be said
/// when no file is broken.
pub fn assemble(files: &[Named], is_complete: bool) -> Result<Set, Vec<DefinitionError>> {
    let mut errors = duplicates(files);
    let defaults: Vec<_> = files.iter().filter(|file| file.definition.agent.is_default).collect();
    for [first, second] in defaults.iter().skip(1).map(|later| [defaults[0], *later]) {
        let message = format!("is_default: `{}` is the default already", first.file);
        let fault = Fault::at(second.definition.default_place, message).within("is_default");
        errors.push(error(&second.file, fault));
    }
    if is_complete && defaults.is_empty() {
        let message = if files.is_empty() {
            "there is no definition: at least one `*.yaml` or `*.yml` file is needed"
        } else {
            "no definition says `is_default: true`, and exactly one must"
        };
        errors.push(error("", Fault::at(Place::default(), message).within("is_default")));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut agents: Vec<_> = files.iter().map(|file| file.definition.agent.clone()).collect();
    agents.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
    let default_agent_id =
        defaults.first().map(|file| file.definition.agent.agent_id.clone()).unwrap_or_default();
    Ok(Set { default_agent_id, agents })
}

fn duplicates(files: &[Named]) -> Vec<DefinitionError> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let mut errors = Vec::new();
    for Named { file, definition } in files {
        let id = definition.agent.agent_id.as_str();
        match owners.get(id) {
            Some(owner) => {
                let message = format!("agent_id: `{id}` is defined in `{owner}` already");
                let fault = Fault::at(definition.id_place, message).within("agent_id");
                errors.push(error(file, fault));
            }
            None => {
                owners.insert(id, file);
            }
        }
    }
    errors
}

/// What is odd about a set, though it breaks no rule.
pub fn oddities(set: &Set) -> Vec<String> {
    let orphan = |agent: &&Agent| {
        !agent.parent_agent_id.is_empty() && set.agent(&agent.parent_agent_id).is_none()
    };
    let warning = |agent: &Agent| {
        format!("{}: parent_agent_id `{}` names no agent", agent.agent_id, agent.parent_agent_id)
    };
    let orphans = set.agents.iter().filter(orphan).map(warning);
    orphans.chain(claims(set)).take(ODDITIES_MAX).collect()
}

/// Sentences that several agents have among their examples, so that none of them can be sure of it.
fn claims(set: &Set) -> Vec<String> {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let mut claims = Vec::new();
    for agent in &set.agents {
        for example in &agent.examples {
            let plain = example.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let owner = *owners.entry(plain).or_insert(&agent.agent_id);
            if owner != agent.agent_id {
                claims
                    .push(format!("{}: {example:?} is an example of {owner} too", agent.agent_id));
            }
        }
    }
    claims
}
