//! From files to a set of agents, or to everything that is wrong with them.

use std::fmt;
use std::path::{Path, PathBuf};

use chassis::address::{Allowlist, Malformed};
use proto::v1::{DefinitionError, ReloadResult};

use crate::Config;
use crate::definition::placeholder::Variables;
use crate::definition::set::{Named, Set, assemble, error, oddities};
use crate::definition::{self, Rules};
use crate::node::{Fault, Place};

pub mod folder;
pub mod resolve;
#[cfg(test)]
mod tests;
pub mod yaml;

use folder::{FILE_BYTES_MAX, FILES_MAX, Folder, Source};
use resolve::Finding;

/// What loading came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The set, when nothing is wrong.
    pub set: Option<Set>,
    /// What is wrong, in the order of the files.
    pub errors: Vec<DefinitionError>,
    /// What is odd.
    pub warnings: Vec<String>,
}

/// Why there is nothing to serve, one line an error.
#[derive(Debug, thiserror::Error)]
pub struct Broken(pub Vec<DefinitionError>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the agent definitions are not valid:")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {}", line(error)))
    }
}

/// An error as compilers write it: `file:line:column: message`.
pub fn line(error: &DefinitionError) -> String {
    let DefinitionError { file, line, column, message } = error;
    match (file.is_empty(), line) {
        (true, _) => message.clone(),
        (false, 0) => format!("{file}: {message}"),
        (false, _) => format!("{file}:{line}:{column}: {message}"),
    }
}

/// Where definitions come from and what they are measured by.
#[derive(Clone, Debug)]
pub struct Loader {
    folder: PathBuf,
    skips_oversize: bool,
    rules: Rules,
}

impl Loader {
    /// A loader of the configured folder.
    pub fn of(config: &Config) -> Result<Self, Malformed> {
        let rules = Rules {
            variables: config.variables.clone(),
            allowlist: Allowlist::parse(&config.allowlist)?,
            handlers: config.handlers.clone(),
        };
        let Config { folder, skips_oversize, .. } = config;
        Ok(Self { folder: folder.clone(), skips_oversize: *skips_oversize, rules })
    }

    /// Targets that need not be public.
    pub fn allowlist(&self) -> &Allowlist {
        &self.rules.allowlist
    }

    /// Loads the folder.
    pub async fn load(&self) -> Outcome {
        let (folder, skips_oversize) = (self.folder.clone(), self.skips_oversize);
        let reading = tokio::task::spawn_blocking(move || folder::read(&folder, skips_oversize));
        let failure = match reading.await {
            Ok(Ok(found)) => return self.check_folder(found).await,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let message = format!("the folder cannot be read: {failure}");
        let folder = self.folder.display().to_string();
        let errors = vec![error(&folder, Fault::at(Place::default(), message))];
        Outcome { errors, ..Outcome::default() }
    }

    /// Checks texts as if they were all the files of a folder.
    pub async fn check(&self, files: Vec<(String, String)>) -> Outcome {
        let mut found = Folder::default();
        for (name, text) in files.into_iter().take(FILES_MAX) {
            let is_oversize = FILE_BYTES_MAX < text.len() as u64;
            let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
            let fault = || Fault::at(Place::default(), message);
            let text = if is_oversize { Err(fault()) } else { Ok(text) };
            found.sources.push(Source { name, text });
        }
        self.check_folder(found).await
    }

    async fn check_folder(&self, folder: Folder) -> Outcome {
        let mut outcome = Outcome::default();
        let skipped =
            |name: String| format!("{name}: skipped, it is larger than {FILE_BYTES_MAX} bytes");
        outcome.warnings.extend(folder.oversize.into_iter().map(skipped));
        let mut files = Vec::new();
        for Source { name, text } in folder.sources {
            match text.map_err(|fault| vec![fault]).and_then(|text| self.read(&text)) {
                Ok(definition) => files.push(Named { file: name, definition }),
                Err(faults) => faults.into_iter().for_each(|fault| outcome.refuse(&name, fault)),
            }
        }
        for finding in resolve::examine(&files, &self.rules.allowlist).await {
            match finding {
                Finding::Refused { file, fault } => outcome.refuse(&file, fault),
                Finding::Unresolved(warning) => outcome.warnings.push(warning),
            }
        }
        match assemble(&files, outcome.errors.is_empty()) {
            Ok(set) if outcome.errors.is_empty() => {
                outcome.warnings.extend(oddities(&set));
                outcome.set = Some(set);
            }
            Ok(_) => {}
            Err(errors) => outcome.errors.extend(errors),
        }
        outcome
            .errors
            .sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        outcome
    }

    fn read(&self, text: &str) -> Result<definition::Definition, Vec<Fault>> {
        let root = yaml::parse(text).map_err(|fault| vec![fault])?;
        definition::read(root, &self.rules)
    }
}

impl Outcome {
    fn refuse(&mut self, file: &str, fault: Fault) {
        if fault.is_attempt {
            tracing::info!(
                audit = true,
                event_type = "security.ssrf_attempt",
                file,
                outcome = "failure",
                failure_reason = %fault.message,
                "an endpoint was refused by outbound protection"
            );
        }
        self.errors.push(error(file, fault));
    }

    /// What a caller is told; `generation` is the one that is served from now on.
    pub fn result(&self, generation: u64) -> ReloadResult {
        let agents = self.set.iter().flat_map(|set| &set.agents);
        let agent_ids: Vec<_> = agents.map(|agent| agent.agent_id.clone()).collect();
        ReloadResult {
            success: self.set.is_some(),
            generation,
            agent_count: i64::try_from(agent_ids.len()).unwrap_or(i64::MAX),
            agent_ids,
            default_agent_id: self.set.iter().map(|set| set.default_agent_id.clone()).collect(),
            errors: self.errors.clone(),
            warnings: self.warnings.clone(),
        }
    }
}

/// Checks the definitions of a folder without serving them.
pub async fn validate_dir(
    folder: &Path,
    variables: Variables,
    allowlist: &[String],
) -> Result<ReloadResult, Malformed> {
    let rules = Rules { variables, allowlist: Allowlist::parse(allowlist)?, handlers: Vec::new() };
    let loader = Loader { folder: folder.to_owned(), skips_oversize: false, rules };
    Ok(loader.load().await.result(0))
}
