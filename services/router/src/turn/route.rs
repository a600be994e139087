//! Steps 4 and 5: the gate says who answers or that the user is asked, and a trigger may start a handoff first.

use proto::v1::turn_event::Event;
use proto::v1::{Classification, Routed, Trigger};

use super::aim::Aim;
use super::seat::{Otherwise, Seat, Wish};
use super::{Question, Step, Turn};
use crate::body::Routing;
use crate::clarification::Kind;
use crate::error::Error;
use crate::gate::{self, Action};
use crate::record::Gated;
use crate::roster::Agents;

const BYPASSED: &str = "Active session bypass";
const CHOSEN: &str = "Clarification answered";
const UNCLASSIFIED: &str = "Classifier unavailable, falling back to default";

impl Turn {
    pub(super) async fn gate(&mut self, aim: Aim) -> Result<Step, Error> {
        let span = tracing::info_span!("confidence.evaluate");
        match aim {
            Aim::Bypass => {
                let agent_id = self.session.active_agent.clone();
                self.go(&agent_id, Action::Route, BYPASSED).await;
                self.triggered(Seat::of(agent_id)).await
            }
            Aim::Chosen(agent_id) => {
                self.go(&agent_id, Action::Route, CHOSEN).await;
                Ok(self.to(&agent_id))
            }
            Aim::Among(candidates, said) => {
                let winner = said.filter(|said| !said.ambiguous).map(|said| said.agent_id);
                let winner = winner.filter(|agent_id| candidates.contains(agent_id));
                let reason = if winner.is_some() { CHOSEN } else { BYPASSED };
                let agent_id = winner.unwrap_or_else(|| self.session.active_agent.clone());
                self.go(&agent_id, Action::Route, reason).await;
                Ok(self.to(&agent_id))
            }
            Aim::Classified(None) => {
                let default = self.agents.default_id().to_owned();
                self.go(&default, Action::Fallback, UNCLASSIFIED).await;
                Ok(self.to(&default))
            }
            Aim::Classified(Some(said)) => {
                let decision = span.in_scope(|| self.decide(&said));
                if decision.action == Action::Clarify {
                    return Ok(Step::Ask(self.doubt(&said, decision)));
                }
                self.go(&decision.agent_id, decision.action, &decision.reason).await;
                self.triggered(Seat::of(decision.agent_id)).await
            }
        }
    }

    fn decide(&mut self, said: &Classification) -> gate::Decision {
        let clarification = &self.engine.config.clarification;
        let may_ask = clarification.enabled
            && !self.tenure.lease.is_anonymous
            && self.sense.attempts < clarification.max_attempts;
        let question = question(&self.agents, said, false, may_ask);
        let decision = question.decide();
        self.record.gate = Some(Gated { question, decision: decision.clone() });
        decision
    }

    /// The question that a doubtful classification leads to.
    fn doubt(&self, said: &Classification, decision: gate::Decision) -> Question {
        let mut candidates = vec![decision.agent_id];
        if said.ambiguous {
            let others = said.agent_scores.iter();
            let others = others.filter(|scored| scored.agent_id != candidates[0]);
            let second = others.max_by(|left, right| left.score.total_cmp(&right.score));
            candidates.extend(second.map(|scored| scored.agent_id.clone()));
        }
        Question {
            text: None,
            candidates,
            reason: decision.reason,
            kind: Kind::Classification,
            message: None,
        }
    }

    /// Notes and tells where the turn goes.
    pub(super) async fn go(&mut self, agent_id: &str, action: Action, reason: &str) {
        self.routing = Routing { action: action.name(), reason: reason.to_owned() };
        let event_type = match action {
            Action::Fallback => "agent.fallback",
            Action::Route | Action::Clarify => "agent.routed",
        };
        let (request_id, session_id) = (&self.ask.context.request_id, &self.session.session_id);
        tracing::info!(
            audit = true,
            event_type,
            request_id,
            session_id,
            agent_id,
            reason,
            outcome = "success",
            "a turn was routed"
        );
        let routed = Routed {
            agent_id: agent_id.to_owned(),
            action: action.name().to_owned(),
            reason: reason.to_owned(),
        };
        self.events.emit(Event::Routed(routed)).await;
    }

    /// To an agent: by itself in a session that nobody has, else by a handoff.
    pub(super) fn to(&self, agent_id: &str) -> Step {
        let active = &self.session.active_agent;
        if active.is_empty() || active == agent_id {
            return Step::Attend(Seat::of(agent_id));
        }
        let trigger = Trigger {
            r#type: "specialist_required".to_owned(),
            reason: self.routing.reason.clone(),
            requested_by: "user".to_owned(),
            target_agent: agent_id.to_owned(),
            ..Trigger::default()
        };
        let otherwise = Otherwise::Attend(Box::new(Seat::of(active.clone())));
        Step::HandOver(Wish::new(active, trigger, otherwise, chassis::clock::now_ms()))
    }
}

/// What the gate is asked about a classification.
pub(crate) fn question(
    agents: &Agents,
    said: &Classification,
    bypass: bool,
    may_ask: bool,
) -> gate::Question {
    let candidate = agents.get(&said.agent_id).map(|agent| gate::Candidate {
        is_default: agent.is_default,
        threshold: agent.confidence_threshold,
        clarification_required: agent.clarification_required,
    });
    gate::Question {
        agent_id: said.agent_id.clone(),
        confidence: said.confidence,
        ambiguous: said.ambiguous,
        bypass,
        may_ask,
        candidate,
        default_agent: agents.default_id().to_owned(),
    }
}
