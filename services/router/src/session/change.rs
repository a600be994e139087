use super::{Session, Status};
use crate::clarification::Pending;

/// What an answer, a question or a failure makes of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Who answers from now on.
    pub active_agent: Option<String>,
    /// What a classification said.
    pub classified: Option<Classified>,
    /// A question that waits from now on; without one, none does.
    pub pending: Option<Pending>,
    /// The handoff by which the active agent changed.
    pub switch: Option<Switch>,
    /// How the session ends.
    pub close: Option<Status>,
}

/// What a classification said of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classified {
    /// The language of the user.
    pub language: String,
    /// The agent that the text fits.
    pub intent: String,
    /// What the user wants.
    pub intent_summary: String,
}

/// A change of the active agent by a handoff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// The handoff.
    pub handoff_id: String,
    /// Who took over.
    pub to_agent: String,
    /// What it was told; one JSON object.
    pub brief_json: String,
    /// The position from which it reads the history itself.
    pub history_from: i64,
}

impl Session {
    /// Takes over what a turn brought about.
    pub fn apply(&mut self, change: &Change, now_ms: i64, ttl_ms: i64) {
        self.touch(now_ms, ttl_ms);
        if let Some(classified) = &change.classified {
            self.language.clone_from(&classified.language);
            self.intent.clone_from(&classified.intent);
            self.intent_summary.clone_from(&classified.intent_summary);
        }
        if let Some(agent_id) = &change.active_agent
            && *agent_id != self.active_agent
        {
            self.active_agent.clone_from(agent_id);
            self.brief_json.clear();
            self.history_from = 0;
        }
        if let Some(switch) = &change.switch {
            self.active_agent.clone_from(&switch.to_agent);
            self.brief_json.clone_from(&switch.brief_json);
            self.history_from = switch.history_from;
        }
        self.pending.clone_from(&change.pending);
        if let Some(status) = change.close {
            self.close(status, now_ms);
        }
        if !self.is_active() {
            self.pending = None;
        }
    }
}
