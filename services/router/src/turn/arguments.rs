//! What an agent is told (contract, section 10), and how many tokens that is.

use chassis::tokens;
use serde_json::{Map, Value};

use super::brief::{Said, brief_json};
use super::{Seat, Turn};
use crate::clock::rfc3339;
use crate::error::Error;
use crate::money::usd;
use crate::store::Entry;
use crate::store::past::Told;

/// The argument with what was said before.
const HISTORY: &str = "turn_history";

/// What an agent is told.
#[derive(Debug)]
pub(super) struct Arguments {
    /// Values that we make.
    pub plain: Map<String, Value>,
    /// JSON texts that pass through byte for byte.
    pub verbatim: Vec<(&'static str, String)>,
    /// The tokens of what was said before, in hundredths.
    history: i64,
}

impl Arguments {
    /// The estimated tokens of all texts.
    pub(super) fn tokens(&self) -> i64 {
        let plain: i64 = self.plain.values().map(hundredths).sum();
        let verbatim = self.verbatim.iter().filter(|(name, _)| *name != HISTORY);
        let verbatim: i64 = verbatim.map(|(_, text)| tokens::hundredths(text)).sum();
        plain.saturating_add(verbatim).saturating_add(self.history).saturating_add(99) / 100
    }

    /// Adds what the budget lets the agent use.
    pub(super) fn limit(&mut self, model: Option<&str>, tools: &[String], remaining_micros: i64) {
        let mut budget = Map::new();
        if let Some(model) = model {
            budget.insert("model".to_owned(), model.into());
        }
        budget.insert("disabled_tools".to_owned(), tools.into());
        let mut text = Value::Object(budget).to_string();
        text.truncate(text.len() - 1);
        text.push_str(",\"remaining_usd\":");
        text.push_str(usd(remaining_micros).get());
        text.push('}');
        self.verbatim.push(("budget", text));
    }
}

impl Turn {
    pub(super) async fn arguments(&self, seat: &Seat) -> Result<Arguments, Error> {
        let profile = &self.session.profile;
        let texts = [
            ("session_id", &self.session.session_id),
            ("request_id", &self.ask.context.request_id),
            ("employee_id", &profile.employee_id),
            ("display_name", &profile.display_name),
            ("intent_summary", &self.sense.intent_summary),
            ("detected_language", &self.sense.language),
            ("raw_input", &self.sense.text),
        ];
        let texts = texts.map(|(name, text)| (name.to_owned(), Value::String(text.clone())));
        let plain: Map<String, Value> = texts.into_iter().collect();
        let (said, history) = self.history(seat);
        let object = |text: &str| if text.is_empty() { "{}" } else { text }.to_owned();
        let mut verbatim = vec![
            (HISTORY, said),
            ("entities", object(&self.sense.entities_json)),
            ("workflow_state", object(&self.state_of(&seat.agent_id).await?)),
        ];
        if !self.ask.metadata_json.is_empty() {
            verbatim.push(("metadata", self.ask.metadata_json.clone()));
        }
        if let Some(brief) = self.brief(seat) {
            verbatim.push(("handoff", brief));
        }
        Ok(Arguments { plain, verbatim, history })
    }

    /// What the agent is told of the handoff by which it takes over, or took over before.
    pub(super) fn brief(&self, seat: &Seat) -> Option<String> {
        if let Some(pass) = &seat.pass {
            let wish = &pass.wish;
            let reason = &wish.trigger.reason;
            return Some(brief_json(&wish.handoff_id, &wish.source, reason, &pass.brief));
        }
        let is_receiver = self.session.active_agent == seat.agent_id;
        Some(self.session.brief_json.clone()).filter(|brief| is_receiver && !brief.is_empty())
    }

    /// What was said before, as one JSON list, and its tokens in hundredths.
    fn history(&self, seat: &Seat) -> (String, i64) {
        let lines = self.scene.as_ref().map_or(&[][..], |scene| &scene.history);
        let lines = lines.iter().filter(|line| self.is_told(seat, line));
        let told: Vec<_> = lines.map(|line| line.told(told)).collect();
        let length = told.iter().map(|told| told.json.len() + 1).sum::<usize>();
        let mut list = String::with_capacity(length + 2);
        list.push('[');
        for (at, told) in told.iter().enumerate() {
            if 0 < at {
                list.push(',');
            }
            list.push_str(&told.json);
        }
        list.push(']');
        (list, told.iter().map(|told| told.hundredths).sum())
    }

    /// A receiver has its brief instead of what came before it, unless it was to have both.
    fn is_told(&self, seat: &Seat, entry: &Entry) -> bool {
        let is_receiver = self.session.active_agent == seat.agent_id;
        match &seat.pass {
            Some(_) => self.engine.config.handoff.include_history,
            None => !is_receiver || self.session.history_from <= entry.position,
        }
    }

    async fn state_of(&self, agent_id: &str) -> Result<String, Error> {
        if self.session.active_agent == agent_id {
            return Ok(self
                .scene
                .as_ref()
                .map(|scene| scene.state_json.clone())
                .unwrap_or_default());
        }
        if self.tenure.lease.is_anonymous || self.session_new {
            return Ok(String::new());
        }
        let session_id = &self.session.session_id;
        Ok(self.bounded(self.engine.store.state(session_id, agent_id)).await??)
    }
}

/// How an entry reads to agents.
fn told(entry: &Entry) -> Told {
    let said = Said {
        role: entry.role.name(),
        content: &entry.content,
        timestamp: rfc3339(entry.timestamp_ms),
        intent_summary: &entry.intent_summary,
        agent_id: &entry.agent_id,
    };
    let texts = [said.role, said.content, &said.timestamp, said.intent_summary, said.agent_id];
    Told {
        hundredths: texts.into_iter().map(tokens::hundredths).sum(),
        json: serde_json::to_string(&said).expect("an entry is plain data"),
    }
}

fn hundredths(value: &Value) -> i64 {
    value.as_str().map_or(0, tokens::hundredths)
}
