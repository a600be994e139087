//! What to ask a user who has to choose between two agents.

use crate::roster::{Member, Roster};

/// The most skills that are asked about.
const SKILLS_MAX: usize = 3;

/// What tells two agents apart, as questions to the user.
pub(super) fn between(roster: &Roster, between: [usize; 2]) -> Vec<String> {
    let [Some(first), Some(second)] = between.map(|index| roster.at(index)) else {
        return Vec::new();
    };
    let mut questions = Vec::new();
    let only = |one: &Member<'_>, other: &Member<'_>| {
        let own = one.agent.domains.iter().map(|domain| domain.to_lowercase());
        let others: Vec<String> =
            other.agent.domains.iter().map(|domain| domain.to_lowercase()).collect();
        own.into_iter().find(|domain| !others.contains(domain))
    };
    if let (Some(one), Some(other)) = (only(&first, &second), only(&second, &first)) {
        let (first, second) = (&first.agent.display_name, &second.agent.display_name);
        questions.push(format!("Is this about {one} ({first}) or {other} ({second})?"));
    }
    let skills = second.agent.skills.iter().filter(|skill| {
        let terms = roster.terms(std::slice::from_ref(*skill));
        terms.shared(&first.traits.skills) == 0
    });
    let asked = skills.take(SKILLS_MAX).map(|skill| format!("Do you need help with {skill}?"));
    questions.extend(asked);
    if questions.is_empty() {
        questions.push("Which specialist would you prefer?".to_owned());
    }
    questions
}
