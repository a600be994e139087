//! Who may take over at all: one rule for every path (contract, section 19.2).

use crate::roster::{Member, Roster, Terms};

/// Whether an agent can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can take over now.
    Eligible,
    /// Nothing but its load or its own word keeps it from taking over.
    Busy,
    /// It cannot take over.
    Barred,
}

/// Who asks for a successor, and who is out of the question.
pub struct Scene<'a> {
    /// The agent that gives the work away; empty when there is none.
    pub source: &'a str,
    /// Agents visited in this turn or found wanting.
    pub exclude: &'a [String],
    /// Agents whose breaker would not grant a call.
    pub breaker_refused: &'a [String],
    /// Domains of which an agent must have one, when the work only moves to spread load.
    pub neighbourhood: Option<Terms>,
}

impl<'a> Scene<'a> {
    /// The scene of a move that spreads load: candidates share a domain with the source.
    #[must_use]
    pub fn near(self, roster: &'a Roster) -> Self {
        let source = roster.member(self.source);
        let neighbourhood = source.map(|source| roster.terms(&source.agent.domains));
        Self { neighbourhood, ..self }
    }

    /// How an agent stands.
    #[must_use]
    pub fn standing(&self, member: &Member<'_>) -> Standing {
        let (agent, state) = (member.agent, member.state);
        let names = |list: &[String]| list.contains(&agent.agent_id);
        let is_near = |terms: &Terms| 0 < terms.shared(&member.traits.domains);
        if agent.agent_id == self.source
            || !agent.accepts_handoff
            || names(self.exclude)
            || names(self.breaker_refused)
            || !self.neighbourhood.as_ref().is_none_or(is_near)
        {
            return Standing::Barred;
        }
        let has_slot = agent.max_concurrent_sessions.is_none_or(|max| state.load < max);
        match state.availability.as_str() {
            "available" if has_slot => Standing::Eligible,
            "available" | "busy" => Standing::Busy,
            _ => Standing::Barred,
        }
    }
}
