//! Which agent takes over, in what order the others follow, or why nobody does (contract, section 19.4).
//!
//! A pure function of its arguments: the same roster, question and rules give the same selection, byte for byte.

use std::cmp::Reverse;

use proto::v1::Trigger;
use serde::{Deserialize, Serialize};

use crate::eligibility::{Scene, Standing};
use crate::roster::{Member, Roster};
use crate::score::{Metric, ONE, Score, Wish, score};
use crate::wish::{self, Kind};

mod basis;
mod hierarchy;
mod questions;
#[cfg(test)]
mod tests;

pub use basis::Basis;

/// What to do with a best agent that is not good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Nobody takes over.
    Strict,
    /// The best one takes over if it has anything in common with the wish.
    BestEffort,
    /// Children of the source and specialists come first.
    Hierarchical,
}

/// All policies with their names.
pub const POLICIES: [(&str, Policy); 3] = [
    ("strict", Policy::Strict),
    ("best_effort", Policy::BestEffort),
    ("hierarchical", Policy::Hierarchical),
];

/// How choices are made, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// What to do below the minimum.
    pub policy: Policy,
    /// How shared terms are counted.
    pub metric: Metric,
    /// The least score of a primary, in millionths.
    pub confidence_min: i64,
    /// Two scores nearer than this are ambiguous, in millionths.
    pub ambiguity: i64,
    /// How many agents follow the primary at most.
    pub alternatives_max: usize,
    /// Whether an ambiguous choice may be put to the user.
    pub may_ask: bool,
}

/// Who asks for a successor and why.
pub struct Question<'a> {
    /// The agent that gives the work away; empty when there is none.
    pub source: &'a str,
    /// What started the handoff.
    pub trigger: &'a Trigger,
    /// The kind of the trigger.
    pub kind: Kind,
    /// The user's language; empty when it is not known.
    pub language: &'a str,
    /// Agents visited in this turn or found wanting.
    pub exclude: &'a [String],
    /// Agents whose breaker would not grant a call.
    pub breaker_refused: &'a [String],
}

/// A candidate: its place in the roster and its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scored {
    /// Its position in the roster.
    pub index: usize,
    /// Its score with the parts.
    pub score: Score,
}

/// Why nobody takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No agent can take over.
    NoMatch,
    /// The best agent is not good enough.
    LowConfidence,
    /// The agents that could take over are busy.
    AllBusy,
}

impl Reason {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoMatch => "no_match",
            Self::LowConfidence => "low_confidence",
            Self::AllBusy => "all_busy",
        }
    }
}

/// What was decided. Positions point into the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// One agent takes over; the others are next if it does not.
    Primary {
        /// Who takes over.
        target: Scored,
        /// Who is next, best first.
        alternatives: Vec<Scored>,
    },
    /// The user chooses between two agents.
    Clarification {
        /// The better and the other.
        between: [Scored; 2],
        /// What to ask.
        questions: Vec<String>,
    },
    /// Nobody takes over.
    Fallback {
        /// Why.
        reason: Reason,
        /// Who answers instead, when the source cannot.
        agent: Option<usize>,
    },
}

/// A decision with everything that was weighed, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What was decided.
    pub decision: Decision,
    /// Every candidate in the order of the decision.
    pub candidates: Vec<Scored>,
}

/// Chooses the agent that takes over.
#[must_use]
pub fn select(roster: &Roster, question: &Question<'_>, rules: &Rules) -> Selection {
    let trigger = question.trigger;
    let field = Field::of(roster, question, rules.metric);
    let asked = (!trigger.target_agent.is_empty()).then_some(trigger.target_agent.as_str());
    let is_asked = |scored: &&Scored| roster.at(scored.index).map(id) == asked;
    let target = field.candidates.iter().find(is_asked).copied().filter(|_| asked.is_some());
    let must_be_asked = asked.is_some() && !trigger.target_is_preference;
    let decision = match target {
        Some(target) => primary(target, &field.candidates, rules),
        None if must_be_asked && trigger.required_skills.is_empty() => {
            fallback(Reason::NoMatch, roster, question)
        }
        None => decide(roster, question, rules, &field),
    };
    Selection { decision, candidates: field.candidates }
}

/// Everyone who may take over, best first, and whether some agent is only busy.
struct Field {
    wish: Wish,
    candidates: Vec<Scored>,
    is_anyone_busy: bool,
}

impl Field {
    fn of(roster: &Roster, question: &Question<'_>, metric: Metric) -> Self {
        let scene = Scene {
            source: question.source,
            exclude: question.exclude,
            breaker_refused: question.breaker_refused,
            neighbourhood: None,
        };
        let scene = if question.kind == Kind::Load { scene.near(roster) } else { scene };
        let model = model(roster, question, &scene);
        let mut wish = wish::of(question.kind, question.trigger, model, roster);
        wish.language = question.language.to_lowercase();
        let mut field = Self { wish, candidates: Vec::new(), is_anyone_busy: false };
        for member in roster.members() {
            match scene.standing(&member) {
                Standing::Eligible => {
                    let score = score(&member, &field.wish, metric);
                    field.candidates.push(Scored { index: member.index, score });
                }
                Standing::Busy => field.is_anyone_busy = true,
                Standing::Barred => {}
            }
        }
        // Positions follow the ids, so they break ties as ids do.
        field
            .candidates
            .sort_unstable_by_key(|scored| (Reverse(scored.score.millionths), scored.index));
        field
    }
}

/// The agent that another one is to be like: the source after its failure, or a guessed target that cannot take over.
fn model<'a>(roster: &'a Roster, question: &Question<'_>, scene: &Scene<'_>) -> Option<Member<'a>> {
    let trigger = question.trigger;
    if trigger.is_failover
        && trigger.required_skills.is_empty()
        && trigger.target_domains.is_empty()
    {
        return roster.member(question.source);
    }
    let guessed = roster.member(&trigger.target_agent).filter(|_| trigger.target_is_preference);
    guessed.filter(|guessed| scene.standing(guessed) != Standing::Eligible)
}

fn decide(roster: &Roster, question: &Question<'_>, rules: &Rules, field: &Field) -> Decision {
    let Some(best) = field.candidates.first().copied() else {
        let reason = if field.is_anyone_busy { Reason::AllBusy } else { Reason::NoMatch };
        return fallback(reason, roster, question);
    };
    let policy = if question.trigger.is_failover { Policy::Strict } else { rules.policy };
    if policy == Policy::Hierarchical
        && let Some(decision) = hierarchy::nearest(roster, question, rules, field)
    {
        return decision;
    }
    if let [first, second, ..] = field.candidates[..]
        && first.score.millionths - second.score.millionths < rules.ambiguity
        && may_ask(question, rules)
    {
        let questions = questions::between(roster, [first.index, second.index]);
        return Decision::Clarification { between: [first, second], questions };
    }
    let is_good = rules.confidence_min <= best.score.millionths;
    let is_better_than_none =
        policy == Policy::BestEffort && (!best.score.is_asked() || best.score.shares_any());
    if is_good || is_better_than_none {
        return primary(best, &field.candidates, rules);
    }
    fallback(Reason::LowConfidence, roster, question)
}

fn may_ask(question: &Question<'_>, rules: &Rules) -> bool {
    rules.may_ask
        && !question.trigger.is_failover
        && !matches!(question.kind, Kind::Load | Kind::Escalation)
}

fn primary(target: Scored, order: &[Scored], rules: &Rules) -> Decision {
    let others = order.iter().filter(|scored| scored.index != target.index);
    Decision::Primary {
        target,
        alternatives: others.take(rules.alternatives_max).copied().collect(),
    }
}

fn fallback(reason: Reason, roster: &Roster, question: &Question<'_>) -> Decision {
    let default = roster.member(&roster.snapshot().default_agent_id);
    let is_free = |member: &Member<'_>| {
        let names = |list: &[String]| list.contains(&member.agent.agent_id);
        member.agent.agent_id != question.source
            && !names(question.exclude)
            && !names(question.breaker_refused)
    };
    let agent = default.filter(is_free).filter(|_| question.trigger.is_failover);
    Decision::Fallback { reason, agent: agent.map(|member| member.index) }
}

fn id(member: Member<'_>) -> &str {
    &member.agent.agent_id
}

/// A number between 0 and 1 in whole millionths.
#[must_use]
pub fn millionths(value: f64) -> i64 {
    (value * ONE as f64).round() as i64
}
