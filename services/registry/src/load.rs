//! From files to a set of agents, or to everything that is wrong with them.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use chassis::address::{Allowlist, Malformed};
use chassis::connect::{Resolver, system};
use proto::v1::{DefinitionError, ReloadResult};

use crate::Config;
use crate::definition::set::{Named, Set, assemble, error, oddities};
use crate::definition::{self, Definition, Rules};
use crate::node::{Fault, Place};

pub mod change;
pub mod draft;
pub mod folder;
#[cfg(test)]
mod fuzz;
pub mod resolve;
#[cfg(test)]
mod tests;
pub mod yaml;

use folder::{FILE_BYTES_MAX, Folder, Source};
use resolve::Finding;

/// How many faults of one file are told.
const FAULTS_PER_FILE_MAX: usize = 100;

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
    let DefinitionError { file, line, column, message, .. } = error;
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
    rules: Arc<Rules>,
    resolver: Arc<dyn Resolver>,
}

/// A file that was read: valid by itself, or with all that is wrong with it.
struct Read {
    file: String,
    definition: Result<Definition, Vec<Fault>>,
}

impl Loader {
    /// A loader of the configured folder.
    pub fn of(config: &Config, resolver: Arc<dyn Resolver>) -> Result<Self, Malformed> {
        let rules = Rules {
            variables: config.variables.clone(),
            allowlist: Allowlist::parse(&config.allowlist)?,
            handlers: config.handlers.clone(),
        };
        let (folder, skips_oversize) = (config.folder.clone(), config.skips_oversize);
        Ok(Self { folder, skips_oversize, rules: Arc::new(rules), resolver })
    }

    /// Targets that need not be public.
    pub fn allowlist(&self) -> &Allowlist {
        &self.rules.allowlist
    }

    /// Loads the folder.
    pub async fn load(&self) -> Outcome {
        let loader = self.clone();
        let failure = match blocking(move || loader.read_folder()).await {
            Ok(Ok((files, oversize))) => return self.join(files, oversize).await,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let message = format!("the folder cannot be read: {failure}");
        failed(&self.folder.display().to_string(), message)
    }

    /// Checks texts as if they were all the files of a folder.
    pub async fn check(&self, files: Vec<(String, String)>) -> Outcome {
        let loader = self.clone();
        let sources = files.into_iter().map(|(name, text)| Source::of(name, text)).collect();
        match blocking(move || loader.read_all(sources)).await {
            Ok(files) => self.join(files, Vec::new()).await,
            Err(error) => failed("", error.to_string()),
        }
    }

    fn read_folder(&self) -> io::Result<(Vec<Read>, Vec<String>)> {
        let Folder { sources, oversize } = folder::read(&self.folder, self.skips_oversize)?;
        Ok((self.read_all(sources), oversize))
    }

    fn read_all(&self, sources: Vec<Source>) -> Vec<Read> {
        let read = |Source { name, text }: Source| {
            let root = text.and_then(|text| yaml::parse(&text)).map_err(|fault| vec![fault]);
            let definition = root.and_then(|root| definition::read(root, &self.rules));
            Read { file: name, definition }
        };
        sources.into_iter().map(read).collect()
    }

    /// Joins files to a set, when nothing is wrong with any of them.
    async fn join(&self, files: Vec<Read>, oversize: Vec<String>) -> Outcome {
        let mut outcome = Outcome::default();
        let skipped =
            |name: String| format!("{name}: skipped, it is larger than {FILE_BYTES_MAX} bytes");
        outcome.warnings.extend(oversize.into_iter().map(skipped));
        let mut valid = Vec::new();
        for Read { file, definition } in files {
            match definition {
                Ok(definition) => valid.push(Named { file, definition }),
                Err(faults) => outcome.refuse(&file, faults),
            }
        }
        for finding in resolve::examine(&valid, self).await {
            match finding {
                Finding::Refused { file, fault } => outcome.refuse(&file, vec![fault]),
                Finding::Unresolved(warning) => outcome.warnings.push(warning),
            }
        }
        match assemble(&valid, outcome.errors.is_empty()) {
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
}

fn failed(file: &str, message: String) -> Outcome {
    let errors = vec![error(file, Fault::at(Place::default(), message))];
    Outcome { errors, ..Outcome::default() }
}

/// Reading and parsing would hold up a worker of the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    tokio::task::spawn_blocking(work).await
}

impl Outcome {
    fn refuse(&mut self, file: &str, faults: Vec<Fault>) {
        for fault in faults.into_iter().take(FAULTS_PER_FILE_MAX) {
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

/// Checks the definitions of the configured folder without serving them; a file that is too large is a fault.
pub async fn validate_dir(config: &Config) -> Result<ReloadResult, Malformed> {
    let loader = Loader { skips_oversize: false, ..Loader::of(config, system())? };
    Ok(loader.load().await.result(0))
}
