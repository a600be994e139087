//! Which threshold of an agent would cost least.

use super::{Action, Outcome, Setting};

/// The threshold of an agent that minimises the cost over these outcomes, and that cost. Of equals the lowest wins,
/// since it asks least. None when no text was taken to be for the agent.
pub(super) fn best(agent_id: &str, outcomes: &[Outcome], setting: &Setting) -> Option<(f64, f64)> {
    let steps = (0..=100).map(|percent| f64::from(percent) / 100.0);
    let cost = |threshold| Some((threshold, cost(agent_id, threshold, (outcomes, setting))?));
    steps.filter_map(cost).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// What the mistakes among the texts taken to be for an agent cost at this threshold; none when there are no texts.
pub(super) fn cost(
    agent_id: &str,
    threshold: f64,
    (outcomes, setting): (&[Outcome], &Setting),
) -> Option<f64> {
    let mut own = outcomes.iter().filter(|outcome| outcome.agent_id == agent_id).peekable();
    own.peek()?;
    Some(own.map(|outcome| price(outcome, threshold, setting)).sum())
}

fn price(outcome: &Outcome, threshold: f64, setting: &Setting) -> f64 {
    let asks = setting.asks.get(&outcome.agent_id).copied().unwrap_or(false);
    let is_routed = threshold <= outcome.confidence && !outcome.ambiguous;
    match if is_routed {
        Action::Route
    } else if asks {
        Action::Clarify
    } else {
        Action::Fallback
    } {
        Action::Route if outcome.is_right(&setting.default_agent_id) => 0.0,
        Action::Route => setting.costs.wrong_route,
        Action::Clarify => setting.costs.question,
        Action::Fallback if outcome.is_outside() => 0.0,
        Action::Fallback => setting.costs.fallback,
    }
}
