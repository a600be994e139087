//! What must hold whatever was done to the mesh.

use serde::Serialize;

use crate::evidence::Evidence;

mod leftovers;
mod money;
mod replays;
mod sessions;
mod turns;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule that is broken.
    pub rule: &'static str,
    /// By what.
    pub what: String,
}

impl Violation {
    fn of(rule: &'static str, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

/// Looks at everything.
pub async fn all(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let stories = evidence.stories.iter().flat_map(|story| &story.oddities);
    let mut found: Vec<_> =
        stories.map(|oddity| Violation::of("every failure has a code", oddity)).collect();
    // Replays first: they must not cause anything that is looked at afterwards.
    found.extend(replays::check(evidence).await?);
    found.extend(leftovers::check(evidence).await?);
    found.extend(turns::check(evidence).await?);
    found.extend(sessions::check(evidence).await?);
    found.extend(money::check(evidence).await?);
    Ok(found)
}
