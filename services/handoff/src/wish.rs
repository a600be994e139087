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

/// The wish behind a trigger. Skills and domains that it names win over those that its kind implies.
#[must_use]
pub fn of(kind: Kind, trigger: &Trigger, source: &str, roster: &Roster) -> Wish {
    let source = roster.member(source).filter(|_| trigger.is_failover);
    let preferred = roster.member(&trigger.target_agent).filter(|_| trigger.target_is_preference);
    let model = preferred.or(source);
    let (implied_skills, implied_domains) = implied(kind, trigger, model);
    let skills = or(&trigger.required_skills, implied_skills);
    // A specialist's skills are its domains too, unless domains are named.
    let domains = match kind {
        Kind::Specialist if implied_domains.is_empty() => {
            or(&trigger.target_domains, skills.clone())
        }
        _ => or(&trigger.target_domains, implied_domains),
    };
    Wish { skills: roster.terms(&skills), domains: roster.terms(&domains), language: String::new() }
}

fn implied(kind: Kind, trigger: &Trigger, model: Option<Member<'_>>) -> (Vec<String>, Vec<String>) {
    if let Some(model) = model {
        return (model.agent.skills.clone(), model.agent.domains.clone());
    }
    let list = |terms: &[&str]| terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>();
    match kind {
        Kind::Escalation => (list(&["escalation", "supervisor"]), list(&["escalation", "support"])),
        Kind::Topic if !trigger.to_topic.is_empty() => {
            (list(&[&trigger.to_topic]), list(&[&trigger.to_topic]))
        }
        Kind::Topic | Kind::Specialist | Kind::Confidence | Kind::Load => (Vec::new(), Vec::new()),
    }
}

fn or(named: &[String], implied: Vec<String>) -> Vec<String> {
    if named.is_empty() { implied } else { named.to_vec() }
}
