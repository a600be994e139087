//! What operators change in files while the programs run, and announce with SIGHUP.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use chassis::testing;

use crate::agent::Agent;
use crate::fleet::{Fleet, shop};
use crate::world::{Topology, eventually};

const SIGNAL: &str = "-HUP";

/// The keys are `first` and `second`.
const FIRST: &str = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";
const SECOND: &str = "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";

fn write_key(path: &Path, digest: &str) {
    let key = format!("{{id: shop, tenant: shop, scopes: [chat], sha256: {digest}}}");
    replace(path, &format!("keys:\n  - {key}\n"));
}

/// Changes a file in one step, as operators should.
fn replace(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, path).unwrap();
}

/// The status with which this key gets in.
async fn status(fleet: &Fleet, key: &str) -> u16 {
    fleet.client("user-1").with_key(key).get("/v1/sessions").await.status
}

async fn told(fleet: &Fleet, words: &str) {
    let is_told = async || fleet.said().iter().any(|line| line.contains(words)).then_some(());
    eventually(words, is_told).await;
}

#[tokio::test]
async fn new_keys_count_from_a_hang_up_on_and_a_broken_file_changes_nothing() {
    for topology in [Topology::One, Topology::Split] {
        let path = testing::folder().join("keys.yaml");
        write_key(&path, FIRST);
        let variables = [("API_KEYS_FILE", path.display().to_string())];
        let mut fleet = Fleet::start(topology, shop().await, &variables).await;
        assert_eq!(status(&fleet, "first").await, 200);
        write_key(&path, SECOND);
        assert_eq!(status(&fleet, "second").await, 401, "nobody was told yet");
        fleet.signal(fleet.front(), SIGNAL);
        let changed = async || (status(&fleet, "second").await == 200).then_some(());
        eventually("the new key opens", changed).await;
        assert_eq!(status(&fleet, "first").await, 401, "the old one is gone");
        replace(&path, "keys: [");
        fleet.signal(fleet.front(), SIGNAL);
        told(&fleet, "the keys stay as they were").await;
        assert_eq!(status(&fleet, "second").await, 200, "{topology:?}");
        assert_eq!(fleet.stop().await, [], "{topology:?}");
    }
}

/// Writes the definitions into a folder of their own.
fn define(agents: &[Agent]) -> PathBuf {
    let folder = testing::folder();
    for agent in agents {
        std::fs::write(folder.join(format!("{}.yaml", agent.id)), agent.definition()).unwrap();
    }
    folder
}

#[tokio::test]
async fn new_definitions_count_from_a_hang_up_on_and_broken_ones_change_nothing() {
    for topology in [Topology::One, Topology::Split] {
        let agents = shop().await;
        let folder = define(&agents);
        let variables = [
            ("AGENT_REGISTRY_DIR", folder.display().to_string()),
            ("REGISTRY_RELOAD_DEBOUNCE_MS", "10".to_owned()),
        ];
        let mut fleet = Fleet::start(topology, agents, &variables).await;
        let registry = if topology == Topology::One { "mesh" } else { "registry" };
        let client = fleet.client("admin");
        let count = async || client.get("/v1/agents").await.body["agents"].as_array().map(Vec::len);
        assert_eq!(count().await, Some(4));
        let lead = Agent::start("lead").await;
        replace(&folder.join("lead.yaml"), &lead.definition());
        assert_eq!(count().await, Some(4), "nobody was told yet");
        fleet.signal(registry, SIGNAL);
        eventually("the lead is there", async || (count().await == Some(5)).then_some(())).await;
        // Whoever watches uses the new set within a second.
        let next = Cell::new(0);
        let answers = async || {
            let user = format!("user-{}", next.replace(next.get() + 1));
            let answer = fleet.client(&user).say("I have a complaint about your staff").await;
            (answer.body["agent_id"] == "lead").then_some(())
        };
        eventually("the lead answers", answers).await;
        replace(&folder.join("lead.yaml"), "agent_id: [");
        fleet.signal(registry, SIGNAL);
        told(&fleet, "system.registry_reload_failed").await;
        assert_eq!(count().await, Some(5), "{topology:?}");
        assert_eq!(fleet.stop().await, [], "{topology:?}");
    }
}
