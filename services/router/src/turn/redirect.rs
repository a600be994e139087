//! What a refusal or a failed call means: the next candidate, another agent in its place, or the end of the turn
//! (contract, sections 15.4 and 21).

use chassis::clock;
use proto::v1::Trigger;

use super::seat::{Otherwise, Seat, Wish};
use super::{Step, Turn};
use crate::error::Error;
use crate::gate::Action;

impl Turn {
    pub(super) async fn redirect(&mut self, seat: Seat, error: Error) -> Result<Step, Error> {
        if matches!(error, Error::Agent { .. }) && seat.pass.is_none() {
            self.leave(&seat.agent_id).await;
        }
        if self.tenure.stop.is_cancelled() {
            let stopped = self.stopped();
            return Err(self.drop_pass(seat, stopped).await);
        }
        if seat.pass.is_some() {
            return self.next_candidate(seat, error).await;
        }
        if !seat.may_fail_over {
            return Err(error);
        }
        match &error {
            Error::CircuitOpen { .. } | Error::AgentUnavailable(_)
                if self.engine.config.turn.failover =>
            {
                self.fail_over(seat, error).await
            }
            Error::AgentBusy(_) => self.make_room(seat, error).await,
            _ => Err(error),
        }
    }

    /// A candidate that had accepted does not answer: the next one is asked.
    async fn next_candidate(&mut self, seat: Seat, error: Error) -> Result<Step, Error> {
        if !error.is_of_agent() {
            return Err(self.drop_pass(seat, error).await);
        }
        let Some(pass) = seat.pass else { return Err(error) };
        let mut wish = pass.wish;
        self.reject(&wish, &seat.agent_id, error.class(), &error.to_string()).await;
        wish.failed.push(seat.agent_id);
        Ok(Step::HandOver(wish))
    }

    /// Gives up the handoff by which an agent was to take over.
    pub(super) async fn drop_pass(&self, seat: Seat, error: Error) -> Error {
        // Whether a switch was committed is unclear when the database was lost; the sweep will know.
        if let (Some(pass), false) = (&seat.pass, matches!(error, Error::Store(_))) {
            self.abort(&pass.wish.handoff_id, &error.to_string()).await;
        }
        error
    }

    /// Another agent in the place of one that cannot be called.
    async fn fail_over(&mut self, seat: Seat, error: Error) -> Result<Step, Error> {
        let default = self.agents.default_id().to_owned();
        if self.session.active_agent.is_empty() {
            if seat.agent_id == default {
                return Err(error);
            }
            let reason = self.fallback_reason(&error);
            self.go(&default, Action::Fallback, &reason).await;
            return Ok(Step::Attend(Seat { may_fail_over: false, ..Seat::of(default) }));
        }
        let source = self.agents.get(&seat.agent_id);
        let trigger = Trigger {
            r#type: "specialist_required".to_owned(),
            reason: error.to_string(),
            requested_by: "system".to_owned(),
            required_skills: source.map(|agent| agent.skills.clone()).unwrap_or_default(),
            target_domains: source.map(|agent| agent.domains.clone()).unwrap_or_default(),
            is_failover: true,
            ..Trigger::default()
        };
        let otherwise = Otherwise::Fail(error);
        Ok(Step::HandOver(Wish::new(&seat.agent_id, trigger, otherwise, clock::now_ms())))
    }

    /// Somebody with a free slot in the place of an agent that has none.
    async fn make_room(&mut self, seat: Seat, error: Error) -> Result<Step, Error> {
        if !self.session.active_agent.is_empty() {
            let trigger = self.load_trigger(&seat.agent_id);
            let otherwise = Otherwise::Fail(error);
            let wish = Wish::new(&seat.agent_id, trigger, otherwise, clock::now_ms());
            return Ok(Step::HandOver(wish));
        }
        match self.less_busy(&seat.agent_id).await? {
            Some(agent_id) if agent_id != seat.agent_id => {
                Ok(Step::Attend(Seat { may_fail_over: false, ..Seat::of(agent_id) }))
            }
            _ => Err(error),
        }
    }

    /// Why the default agent answers instead.
    pub(super) fn fallback_reason(&self, error: &Error) -> String {
        match error {
            Error::CircuitOpen { agent_id, .. } => {
                format!("Circuit open for agent '{agent_id}', falling back to default")
            }
            Error::AgentUnavailable(agent_id) => {
                format!("Agent '{agent_id}' not loaded, falling back to default")
            }
            other => format!("{other}, falling back to default"),
        }
    }
}
