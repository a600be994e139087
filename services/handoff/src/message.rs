//! Decisions and transfers as messages of the contract.

use proto::v1::{Candidate, HandoffDecision, HandoffRecord, TransferResponse};

use crate::decision::{Decision, Reason, Scored, Selection};
use crate::roster::Roster;
use crate::transfer::{State, Transfer};

impl Selection {
    /// The selection as a message; the roster is the one that it was made from.
    #[must_use]
    pub(crate) fn into_message(self, roster: &Roster) -> HandoffDecision {
        let id = |index: usize| {
            roster.at(index).map(|member| member.agent.agent_id.clone()).unwrap_or_default()
        };
        let named = |scored: &Scored| candidate(id(scored.index), scored);
        let candidates = self.candidates.iter().map(named).collect();
        let empty = HandoffDecision { candidates, ..HandoffDecision::default() };
        match self.decision {
            Decision::Primary { target, alternatives } => HandoffDecision {
                r#type: "primary".to_owned(),
                target_agent: id(target.index),
                score_millionths: target.score.millionths,
                alternatives: alternatives.iter().map(named).collect(),
                ..empty
            },
            Decision::Clarification { between, questions } => HandoffDecision {
                r#type: "clarification".to_owned(),
                candidate_agents: between.iter().map(|scored| id(scored.index)).collect(),
                questions,
                recommended_action: "ask_user".to_owned(),
                ..empty
            },
            Decision::Fallback { reason, agent } => HandoffDecision {
                r#type: "fallback".to_owned(),
                reason: reason.name().to_owned(),
                fallback_agent: agent.map(id).unwrap_or_default(),
                queue_for_later: reason == Reason::AllBusy,
                ..empty
            },
        }
    }
}

fn candidate(agent_id: String, scored: &Scored) -> Candidate {
    let score = scored.score;
    Candidate {
        agent_id,
        score_millionths: score.millionths,
        skill: score.skill.map(|part| part.value()),
        domain: score.domain.map(|part| part.value()),
        load: Some(score.load.value()),
        language: score.language.map(|part| part.value()),
    }
}

impl From<Transfer> for TransferResponse {
    fn from(transfer: Transfer) -> Self {
        let has_taker = matches!(transfer.state, State::Accepted | State::Completed);
        Self {
            decision: Some(transfer.decision),
            accepted_agent: if has_taker { transfer.to_agent } else { String::new() },
            brief: transfer.brief,
            rejections: transfer.rejections,
            state: transfer.state.name().to_owned(),
        }
    }
}

impl From<Transfer> for HandoffRecord {
    fn from(transfer: Transfer) -> Self {
        Self {
            handoff_id: transfer.id,
            tenant: transfer.owner.tenant,
            user_id: transfer.owner.user_id,
            session_id: transfer.owner.session_id,
            state: transfer.state.name().to_owned(),
            from_agent: transfer.from_agent,
            to_agent: transfer.to_agent,
            trigger: transfer.trigger,
            reason: transfer.reason,
            created_ms: transfer.created_ms,
            updated_ms: transfer.updated_ms,
            expires_ms: transfer.expires_ms,
            lease_until_ms: transfer.lease_until_ms,
        }
    }
}
