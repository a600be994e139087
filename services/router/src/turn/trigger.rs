//! Step 5: what starts a handoff before the first dispatch (contract, section 19.1).

use chassis::clock;
use proto::v1::{SelectTargetRequest, Trigger};

use super::seat::{Otherwise, Seat, Wish};
use super::{Step, Turn};
use crate::error::Error;
use crate::trigger::{Topic, is_crowded};

/// The skill of agents that may decide what others may not.
const ESCALATION: &str = "escalation";

impl Turn {
    /// Lets the agent answer, or somebody better suited.
    pub(super) async fn triggered(&mut self, seat: Seat) -> Result<Step, Error> {
        let active = self.session.active_agent.clone();
        if !active.is_empty() && active != seat.agent_id {
            return Ok(self.to(&seat.agent_id));
        }
        if self.agents.get(&seat.agent_id).is_none() {
            // Whoever is gone cannot pass on anything.
            return Ok(Step::Attend(seat));
        }
        if let Some(trigger) = self.escalation(&seat) {
            return Ok(self.pass_on(seat, trigger));
        }
        if let Some(trigger) = self.topic(&seat).await? {
            return Ok(self.pass_on(seat, trigger));
        }
        if active.is_empty() && self.is_crowded(&seat) {
            let target = self.less_busy(&seat.agent_id).await?;
            return Ok(Step::Attend(target.map_or(seat, Seat::of)));
        }
        Ok(Step::Attend(seat))
    }

    fn pass_on(&self, seat: Seat, trigger: Trigger) -> Step {
        let source = seat.agent_id.clone();
        let otherwise = Otherwise::Attend(Box::new(seat));
        Step::HandOver(Wish::new(&source, trigger, otherwise, clock::now_ms()))
    }

    /// The user asks for somebody in charge.
    fn escalation(&self, seat: &Seat) -> Option<Trigger> {
        let agent = self.agents.get(&seat.agent_id)?;
        if agent.skills.iter().any(|skill| skill.eq_ignore_ascii_case(ESCALATION)) {
            return None;
        }
        let keywords = &self.engine.config.handoff.keywords;
        let is_asked_for = keywords.iter().any(|keyword| keyword.is_in(&self.ask.input));
        is_asked_for.then(|| Trigger {
            r#type: "escalation_requested".to_owned(),
            reason: "the user asks for someone in charge".to_owned(),
            requested_by: "user".to_owned(),
            required_skills: owned(&[ESCALATION, "supervisor"]),
            target_domains: owned(&[ESCALATION, "support"]),
            ..Trigger::default()
        })
    }

    /// The text is no longer the active agent's.
    async fn topic(&mut self, seat: &Seat) -> Result<Option<Trigger>, Error> {
        let settings = &self.engine.config.handoff;
        if !self.record.bypass || !settings.topic_detection {
            return Ok(None);
        }
        let (confidence_min, score_min) = (settings.topic_confidence, settings.topic_score);
        let Some(guess) = self.guess.take() else { return Ok(None) };
        let Ok(said) = self.bounded(guess).await? else { return Ok(None) };
        let scores = said.agent_scores.into_iter();
        let topic = Topic {
            active_agent: seat.agent_id.clone(),
            default_agent: self.agents.default_id().to_owned(),
            scores: scores.map(|scored| (scored.agent_id, scored.score)).collect(),
            confidence_min,
            score_min,
        };
        let trigger = topic.crossed_to().map(|(to, score)| Trigger {
            r#type: "topic_boundary_crossed".to_owned(),
            reason: format!("the topic is now that of {to}"),
            requested_by: "system".to_owned(),
            required_skills: vec![to.to_owned()],
            target_domains: vec![to.to_owned()],
            target_agent: to.to_owned(),
            target_is_preference: true,
            from_topic: seat.agent_id.clone(),
            to_topic: to.to_owned(),
            confidence: score,
            threshold: score_min,
            ..Trigger::default()
        });
        self.record.topic = Some(topic);
        Ok(trigger)
    }

    fn is_crowded(&self, seat: &Seat) -> bool {
        let Some(state) = self.agents.state(&seat.agent_id) else { return false };
        let max = state.agent.as_ref().and_then(|agent| agent.max_concurrent_sessions);
        is_crowded(state.load, max, self.engine.config.handoff.load_threshold)
    }

    /// Who could take a session that nobody has, without any handoff.
    pub(super) async fn less_busy(&self, agent_id: &str) -> Result<Option<String>, Error> {
        let request = SelectTargetRequest {
            context: Some(self.ask.context.clone()),
            source_agent: agent_id.to_owned(),
            trigger: Some(self.load_trigger(agent_id)),
            language: self.sense.language.clone(),
            policy: String::new(),
            exclude: self.progress.visited.clone(),
            breaker_refused: self.engine.breakers.refused_hint(),
        };
        let decision = self.bounded(self.engine.peers.select(request)).await?;
        let target = decision.ok().filter(|decision| decision.r#type == "primary");
        Ok(target.map(|decision| decision.target_agent))
    }

    pub(super) fn load_trigger(&self, agent_id: &str) -> Trigger {
        let state = self.agents.state(agent_id);
        let load = state.map_or(0, |state| state.load);
        let intent = self.sense.classified.as_ref().map(|classified| &classified.intent);
        let intent = intent.unwrap_or(&self.session.intent);
        Trigger {
            r#type: "load_balancing".to_owned(),
            reason: format!("{load} conversations are under way"),
            requested_by: "system".to_owned(),
            target_domains: Some(intent)
                .filter(|intent| !intent.is_empty())
                .cloned()
                .into_iter()
                .collect(),
            confidence: load as f64,
            threshold: self.engine.config.handoff.load_threshold,
            ..Trigger::default()
        }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
