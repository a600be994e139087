//! The model tier: the sentence model that `fetch` takes out of a package, and what both tiers hold alike.

mod laws;
#[path = "../registry/mod.rs"]
mod registry;
mod sentences;
mod service;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use classifier::model::{self, Profile};
use classifier::sentence::Sentences;
use classifier::tier::Tier;
use classifier::vectors::Vectors;

/// The folder of the sentence model; a test without it would prove nothing, so that it fails.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/all-MiniLM-L6-v2");
    let hint =
        "the sentence model is not there; services/classifier/tests/model/fetch puts it there";
    assert!(folder.join("model.safetensors").is_file(), "{hint}");
    folder
}

fn vectors() -> Arc<Vectors> {
    Arc::new(Vectors::shipped().expect("the shipped table is whole"))
}

fn loaded() -> Arc<Sentences> {
    Arc::new(Sentences::load(&folder(), vectors()).expect("the model loads"))
}

/// Both tiers; the model tier knows the shop and the sentences for nobody, so that tests need not wait for each.
fn tiers() -> [Arc<dyn Tier>; 2] {
    let sentences = loaded();
    sentences.study(&model::texts(&shop()), &AtomicBool::new(false));
    [vectors(), sentences]
}

fn profile(agent_id: &str, description: &str, examples: &[&str]) -> Profile {
    Profile {
        agent_id: agent_id.to_owned(),
        description: description.to_owned(),
        examples: examples.iter().map(|text| (*text).to_owned()).collect(),
        is_default: agent_id == "default-agent",
        ..Profile::default()
    }
}

/// The agents of the scripted registry as a model learns them.
fn shop() -> Vec<Profile> {
    let told = registry::shop();
    let profile = |agent: proto::v1::Agent| {
        let told = profile(&agent.agent_id, &agent.description, &[]);
        Profile { examples: agent.examples, ..told }
    };
    told.into_iter().map(profile).collect()
}
