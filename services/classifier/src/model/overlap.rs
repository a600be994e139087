//! Examples that say what another agent says.

use super::rows::{Row, Source};

/// Fewest likeness of two sentences that are said to collide.
const SIMILARITY_MIN: f32 = 0.5;
/// Fewest share of the other agent when the example is left out.
const SHARE_MIN: f64 = 0.5;

/// An example that, were it not one, would go to another agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// Whose example it is.
    pub agent_id: String,
    /// The example.
    pub example: String,
    /// The agent that would get it.
    pub other_agent_id: String,
    /// What that agent says that is most like it.
    pub other_text: String,
    /// How alike the two are, up to 1.
    pub similarity: f64,
}

/// Where an example stands among the rows.
pub(super) struct Seen<'a> {
    pub(super) row: usize,
    pub(super) shares: Vec<f64>,
    pub(super) similarities: &'a [f32],
}

/// The overlap of an example with another agent, if there is one.
pub(super) fn of(seen: &Seen<'_>, rows: &[Row], agents: &[String]) -> Option<Overlap> {
    let row = &rows[seen.row];
    let own = row.agent.filter(|_| row.source == Source::Example)?;
    let nearest = |agent: usize| {
        let others = rows
            .iter()
            .enumerate()
            .filter(|(n, other)| *n != seen.row && other.agent == Some(agent));
        let best = others.max_by(|a, b| seen.similarities[a.0].total_cmp(&seen.similarities[b.0]));
        best.map(|(n, other)| (seen.similarities[n], other))
    };
    let candidates = (0..agents.len()).filter(|agent| *agent != own);
    let other = candidates.max_by(|a, b| seen.shares[*a].total_cmp(&seen.shares[*b]))?;
    let (similarity, collides) = nearest(other)?;
    let own_similarity = nearest(own).map_or(0.0, |(similarity, _)| similarity);
    let is_overlap = SHARE_MIN <= seen.shares[other]
        && SIMILARITY_MIN <= similarity
        && own_similarity < similarity;
    is_overlap.then(|| Overlap {
        agent_id: agents[own].clone(),
        example: row.text.clone(),
        other_agent_id: agents[other].clone(),
        other_text: collides.text.clone(),
        similarity: f64::from(similarity).min(1.0),
    })
}
