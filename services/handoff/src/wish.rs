//! What a trigger asks of the next agent (contract, section 19.1).

use proto::v1::Trigger;

use crate::roster::{Member, Roster};
use crate::score::Wish;

/// Why a handoff happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The work needs skills that the source lacks.
    Specialist,
    /// Somebody wants a person in charge.
    Escalation,
    /// The user talks about something else now.
    Topic,
    /// Nobody is sure that this is the right agent.
    Confidence,
    /// The chosen agent has too much to do.
    Load,
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "specialist_required" => Some(Self::Specialist),
            "escalation_requested" => Some(Self::Escalation),
            "topic_boundary_crossed" => Some(Self::Topic),
            "confidence_too_low" => Some(Self::Confidence),
            "load_balancing" => Some(Self::Load),
            _ => None,
        }
    }
}

/// The wish behind a trigger. A model stands for what it can do; without one the lists of the trigger count, and what
/// its kind implies where they are empty.
#[must_use]
pub fn of(kind: Kind, trigger: &Trigger, model: Option<Member<'_>>, roster: &Roster) -> Wish {
    let (skills, domains) = match model {
        Some(model) => (model.agent.skills.clone(), model.agent.domains.clone()),
        None => listed(kind, trigger),
    };
    Wish { skills: roster.terms(&skills), domains: roster.terms(&domains), language: String::new() }
}

fn listed(kind: Kind, trigger: &Trigger) -> (Vec<String>, Vec<String>) {
    let (implied_skills, implied_domains) = implied(kind, trigger);
    let or = |named: &Vec<String>, implied| if named.is_empty() { implied } else { named.clone() };
    let skills = or(&trigger.required_skills, implied_skills);
    // A specialist's skills are its domains too, unless domains are named.
    let implied_domains = if kind == Kind::Specialist { skills.clone() } else { implied_domains };
    let domains = or(&trigger.target_domains, implied_domains);
    (skills, domains)
}

fn implied(kind: Kind, trigger: &Trigger) -> (Vec<String>, Vec<String>) {
    let list = |terms: &[&str]| terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>();
    match kind {
        Kind::Escalation => (list(&["escalation", "supervisor"]), list(&["escalation", "support"])),
        Kind::Topic => (list(&[&trigger.to_topic]), list(&[&trigger.to_topic])),
        Kind::Specialist | Kind::Confidence | Kind::Load => (Vec::new(), Vec::new()),
    }
}
