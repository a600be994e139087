//! Which agent a message is meant for, in which language it is, and what to ask when it is unclear.
//!
//! The local model works offline on what the definitions say and is made anew with every generation of the registry.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chassis::{Link, Resources, follow};
use proto::v1::WatchAgentsRequest;
use proto::v1::classifier_server::ClassifierServer;
use proto::v1::registry_client::RegistryClient;

pub mod breaker;
pub mod calibration;
pub mod clarify;
pub mod config;
pub mod entities;
pub mod eval;
pub mod features;
pub mod index;
pub mod judge;
pub mod language;
pub mod model;
pub mod provider;
pub mod pull;
pub mod ridge;
pub mod sentence;
pub mod service;
pub mod standing;
pub mod summary;
pub mod tier;
pub mod vectors;
pub mod words;

pub use config::Config;
pub use service::{Error, Service};

use config::Mode;
use judge::Judge;
use sentence::Sentences;
use standing::Tiers;
use vectors::Vectors;

/// Whom the classifier asks.
#[derive(Clone, Debug)]
pub struct Peers {
    /// The registry, for the definitions.
    pub registry: Link,
}

/// Builds the classifier, which learns the agents as soon as the registry tells them.
///
/// # Errors
/// When the vectors in the program are damaged, the folder of the sentence model holds none, or a language model is to be asked and there is no TLS.
pub async fn build(
    config: &Config,
    resources: &Resources,
    peers: Peers,
) -> anyhow::Result<ClassifierServer<Service>> {
    let model_dir = model_dir(config);
    let tiers = tokio::task::spawn_blocking(move || tiers(model_dir.as_deref())).await??;
    let snapshots = follow::follow(&resources.life, "classifier agents", move || {
        let mut registry = RegistryClient::new(peers.registry.clone());
        async move { registry.watch_agents(WatchAgentsRequest::default()).await }
    });
    let standing = standing::keep(&resources.life, snapshots, tiers);
    let judge = match config.mode {
        Mode::Local => None,
        Mode::Llm => Some(Judge::new(&config.provider, &config.clarification)?),
    };
    Ok(ClassifierServer::new(Service::new(config.clone(), standing, judge)))
}

/// The folder that the settings name, which must hold a model, or the usual one if it is there.
fn model_dir(config: &Config) -> Option<PathBuf> {
    let usual = || Some(PathBuf::from(config::MODEL_DIR)).filter(|folder| folder.is_dir());
    config.model_dir.clone().or_else(usual)
}

fn tiers(model_dir: Option<&Path>) -> anyhow::Result<Tiers> {
    let vectors = Arc::new(Vectors::shipped()?);
    let load = |folder| Sentences::load(folder, vectors.clone()).map(Arc::new);
    let sentences = model_dir.map(load).transpose()?;
    Ok(Tiers { sentences, vectors })
}
