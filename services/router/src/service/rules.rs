use proto::v1::{CombineReplyRequest, CombineReplyResponse, EvaluateGateRequest, GateDecision};

use super::Service;
use crate::clarification::{Named, choose, combine};
use crate::error::Error;
use crate::gate;
use crate::turn::question;

impl Service {
    /// What the gate would say.
    pub(super) fn evaluate(&self, request: EvaluateGateRequest) -> Result<GateDecision, Error> {
        let said = request.classification.unwrap_or_default();
        let agents = self.engine.roster.now()?;
        let may_ask = self.engine.config.clarification.enabled;
        let mut question = question(&agents, &said, request.bypass, may_ask);
        if let Some(agent) = request.agent {
            question.candidate = Some(gate::Candidate {
                is_default: agent.is_default,
                threshold: agent.confidence_threshold,
                clarification_required: agent.clarification_required,
            });
        }
        let decision = question.decide();
        Ok(GateDecision {
            action: decision.action.name().to_owned(),
            agent_id: decision.agent_id,
            reason: decision.reason,
            rule: i64::from(decision.rule),
        })
    }

    /// What a reply to a question would mean.
    pub(super) fn combine(
        &self,
        request: CombineReplyRequest,
    ) -> Result<CombineReplyResponse, Error> {
        let agents = self.engine.roster.now()?;
        let named = request.candidates.iter().filter_map(|agent_id| agents.get(agent_id));
        let named: Vec<_> = named
            .map(|agent| Named { agent_id: &agent.agent_id, display_name: &agent.display_name })
            .collect();
        Ok(CombineReplyResponse {
            combined: combine(&request.original_input, &request.reply),
            chosen_agent: choose(&request.reply, &named).unwrap_or_default().to_owned(),
        })
    }
}
