//! Changing one definition: it is put to the rules together with all others before anything is written.

use std::io;

use proto::v1::DefinitionError;

use super::draft::{self, Background, Text};
use super::folder::{self, Folder, Source};
use super::{Loader, Outcome, Read, blocking, yaml};
use crate::definition::placeholder;
use crate::node::{Fault, Node};

/// Why a definition is not changed; nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No file defines the agent.
    #[error("no file defines `{0}`")]
    Unknown(String),
    /// The definitions would not be valid.
    #[error("the definitions would have {} faults", .0.len())]
    Refused(Vec<DefinitionError>),
    /// The folder or the file may not be written.
    #[error("the definitions cannot be written")]
    ReadOnly(#[source] io::Error),
    /// The folder cannot be read or written for another reason.
    #[error("the folder of the definitions failed")]
    Folder(#[source] io::Error),
}

/// A change that was made.
#[derive(Debug)]
pub struct Changed {
    /// The set as it is now.
    pub outcome: Outcome,
    /// Whether no file held the agent before.
    pub is_new: bool,
}

/// A change that is still to be checked as a whole.
struct Plan {
    files: Vec<Read>,
    oversize: Vec<String>,
    file: String,
    text: Option<String>,
    is_new: bool,
    warnings: Vec<String>,
}

impl Loader {
    /// Writes a definition into its file, or into a new one, when all rules hold with it.
    pub async fn put(&self, agent_id: &str, text: Text) -> Result<Changed, ChangeError> {
        let (loader, agent_id) = (self.clone(), agent_id.to_owned());
        self.change(move || loader.plan_put(&agent_id, text)).await
    }

    /// Removes the file of an agent, when all rules hold without it.
    pub async fn delete(&self, agent_id: &str) -> Result<Changed, ChangeError> {
        let (loader, agent_id) = (self.clone(), agent_id.to_owned());
        self.change(move || loader.plan_delete(&agent_id)).await
    }

    async fn change(
        &self,
        plan: impl FnOnce() -> Result<Plan, ChangeError> + Send + 'static,
    ) -> Result<Changed, ChangeError> {
        let broken = |error| ChangeError::Folder(io::Error::other(error));
        let plan = blocking(plan).await.map_err(broken)??;
        let Plan { files, oversize, file, text, is_new, warnings } = plan;
        let mut outcome = self.join(files, oversize).await;
        if outcome.set.is_none() {
            return Err(ChangeError::Refused(outcome.errors));
        }
        outcome.warnings.extend(warnings);
        let folder = self.folder.clone();
        let write = move || match text {
            Some(text) => folder::write(&folder, &file, &text),
            None => folder::remove(&folder, &file),
        };
        blocking(write).await.map_err(broken)?.map_err(refined)?;
        Ok(Changed { outcome, is_new })
    }

    fn plan_put(&self, agent_id: &str, text: Text) -> Result<Plan, ChangeError> {
        let Folder { mut sources, oversize } = self.sources()?;
        let known =
            sources.iter().filter_map(parsed).flat_map(|node| placeholder::names(&node)).collect();
        let owner = self.owner(&sources, agent_id);
        let stored = owner.map(|index| sources.remove(index));
        let file = stored.as_ref().map_or(format!("{agent_id}.yaml"), |source| source.name.clone());
        let background = Background { stored: stored.as_ref().and_then(parsed), known };
        let mut draft = draft::draft(text, &background, &self.rules);
        // A valid definition that bears this id is what makes the id safe to be the name of a file.
        if let Ok(definition) = &draft.definition {
            let is_taken = |name: &String| *name == file;
            let other = sources.iter().map(|source| &source.name).chain(&oversize).any(is_taken);
            let message = if definition.agent.agent_id != agent_id {
                Some(format!("must be `{agent_id}`, as in the path"))
            } else {
                other.then(|| format!("the file `{file}` holds another agent"))
            };
            if let Some(message) = message {
                let fault = Fault::at(definition.id_place, format!("agent_id: {message}"));
                draft.definition = Err(vec![fault.within("agent_id")]);
            }
        }
        let lost = |(path, text): &(String, String)| {
            format!("{file}: {path}: the placeholder in `{text}` is gone")
        };
        let warnings = draft.lost.iter().map(lost).collect();
        let mut files = self.read_all(sources);
        files.push(Read { file: file.clone(), definition: draft.definition });
        let (text, is_new) = (Some(draft.text), stored.is_none());
        Ok(Plan { files, oversize, file, text, is_new, warnings })
    }

    fn plan_delete(&self, agent_id: &str) -> Result<Plan, ChangeError> {
        let Folder { mut sources, oversize } = self.sources()?;
        let owner = self.owner(&sources, agent_id);
        let owner = owner.ok_or_else(|| ChangeError::Unknown(agent_id.to_owned()))?;
        let file = sources.remove(owner).name;
        let files = self.read_all(sources);
        Ok(Plan { files, oversize, file, text: None, is_new: false, warnings: Vec::new() })
    }

    fn sources(&self) -> Result<Folder, ChangeError> {
        folder::read(&self.folder, self.skips_oversize).map_err(ChangeError::Folder)
    }

    /// Which file defines the agent. One that cannot be read belongs to the agent that it is named after, so that a
    /// broken file can be replaced.
    fn owner(&self, sources: &[Source], agent_id: &str) -> Option<usize> {
        let ids: Vec<_> = sources.iter().map(|source| self.id_in(source)).collect();
        let says = ids.iter().position(|id| id.as_deref() == Some(agent_id));
        let is_named = |source: &Source| {
            let stem = source.name.strip_suffix(".yaml").or(source.name.strip_suffix(".yml"));
            stem == Some(agent_id)
        };
        let mut all = sources.iter().zip(&ids);
        says.or_else(|| all.position(|(source, id)| id.is_none() && is_named(source)))
    }

    fn id_in(&self, source: &Source) -> Option<String> {
        let id = parsed(source)?.entry("agent_id")?.clone();
        let id = placeholder::expand(id, &self.rules.variables).ok()?;
        id.to_json().as_str().map(str::to_owned)
    }
}

fn parsed(source: &Source) -> Option<Node> {
    yaml::parse(source.text.as_ref().ok()?).ok()
}

fn refined(error: io::Error) -> ChangeError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ChangeError::ReadOnly(error)
        }
        _ => ChangeError::Folder(error),
    }
}

#[cfg(test)]
mod tests;
