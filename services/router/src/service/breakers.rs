use proto::v1::{
    Breaker, ListBreakersResponse, RecordOutcomeRequest, SetBreakerRequest, SetBreakerResponse,
};

use super::Service;
use crate::breaker::Action;
use crate::error::Error;

impl Service {
    /// The breakers of all agents, also of those that nothing has happened to.
    pub(super) async fn breakers(&self) -> Result<ListBreakersResponse, Error> {
        let mut breakers = self.engine.breakers.list().await;
        for agent_id in self.engine.roster.now()?.ids() {
            if !breakers.iter().any(|breaker| breaker.agent_id == agent_id) {
                let state = "closed".to_owned();
                breakers.push(Breaker { agent_id, state, multiplier: 1, ..Breaker::default() });
            }
        }
        breakers.sort_by(|left, right| left.agent_id.cmp(&right.agent_id));
        Ok(ListBreakersResponse { breakers })
    }

    pub(super) async fn force(
        &self,
        request: SetBreakerRequest,
    ) -> Result<SetBreakerResponse, Error> {
        let action = Action::from_name(&request.action).ok_or_else(|| {
            Error::field("action", "is not one of reset, force_open, force_closed")
        })?;
        self.known(&request.agent_id)?;
        let (before, after) = self.engine.breakers.set(&request.agent_id, action).await;
        Ok(SetBreakerResponse {
            agent_id: request.agent_id,
            previous_state: before.name().to_owned(),
            state: after.name().to_owned(),
        })
    }

    pub(super) async fn count(&self, request: RecordOutcomeRequest) -> Result<Breaker, Error> {
        self.known(&request.agent_id)?;
        Ok(self.engine.breakers.record(&request.agent_id, request.success).await)
    }

    fn known(&self, agent_id: &str) -> Result<(), Error> {
        let is_known = self.engine.roster.now()?.get(agent_id).is_some();
        if is_known { Ok(()) } else { Err(Error::AgentNotFound(agent_id.to_owned())) }
    }
}
