//! A transfer as a row of columns.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use proto::v1::TransferResponse;
use serde_json::json;

use super::StoreError;
use crate::transfer::{Owner, State, Transfer};

/// All columns, in the order of the table.
pub(super) const COLUMNS: &str = "handoff_id, tenant, user_id, session_id, state, from_agent, to_agent, \
    trigger_type, reason, order_json, tried_json, answer, created_ms, updated_ms, expires_ms, \
    lease_until_ms, version";

/// A transfer as its row has it.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) handoff_id: String,
    pub(super) tenant: String,
    pub(super) user_id: String,
    pub(super) session_id: String,
    pub(super) state: String,
    pub(super) from_agent: String,
    pub(super) to_agent: String,
    pub(super) trigger_type: String,
    pub(super) reason: String,
    pub(super) order_json: String,
    pub(super) tried_json: String,
    pub(super) answer: String,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) lease_until_ms: i64,
    pub(super) version: i64,
}

impl Row {
    /// The row of a transfer.
    pub(super) fn of(transfer: &Transfer) -> Self {
        let answer = TransferResponse {
            decision: Some(transfer.decision.clone()),
            brief: transfer.brief.clone(),
            rejections: transfer.rejections.clone(),
            ..TransferResponse::default()
        };
        Self {
            handoff_id: transfer.id.clone(),
            tenant: transfer.owner.tenant.clone(),
            user_id: transfer.owner.user_id.clone(),
            session_id: transfer.owner.session_id.clone(),
            state: transfer.state.name().to_owned(),
            from_agent: transfer.from_agent.clone(),
            to_agent: transfer.to_agent.clone(),
            trigger_type: transfer.trigger.clone(),
            reason: transfer.reason.clone(),
            order_json: json!(transfer.order).to_string(),
            tried_json: json!(transfer.tried).to_string(),
            answer: STANDARD.encode(answer.encode_to_vec()),
            created_ms: transfer.created_ms,
            updated_ms: transfer.updated_ms,
            expires_ms: transfer.expires_ms,
            lease_until_ms: transfer.lease_until_ms,
            version: transfer.version,
        }
    }

    /// The transfer of a row.
    pub(super) fn read(self) -> Result<Transfer, StoreError> {
        let id = self.handoff_id;
        let corrupt = |column| StoreError::Corrupt { id: id.clone(), column };
        let answer = STANDARD.decode(&self.answer).map_err(|_| corrupt("answer"))?;
        let answer = TransferResponse::decode(&answer[..]).map_err(|_| corrupt("answer"))?;
        Ok(Transfer {
            state: State::parse(&self.state).ok_or_else(|| corrupt("state"))?,
            order: serde_json::from_str(&self.order_json).map_err(|_| corrupt("order_json"))?,
            tried: serde_json::from_str(&self.tried_json).map_err(|_| corrupt("tried_json"))?,
            owner: Owner {
                tenant: self.tenant,
                user_id: self.user_id,
                session_id: self.session_id,
            },
            from_agent: self.from_agent,
            to_agent: self.to_agent,
            trigger: self.trigger_type,
            reason: self.reason,
            rejections: answer.rejections,
            decision: answer.decision.unwrap_or_default(),
            brief: answer.brief,
            created_ms: self.created_ms,
            updated_ms: self.updated_ms,
            expires_ms: self.expires_ms,
            lease_until_ms: self.lease_until_ms,
            version: self.version,
            id,
        })
    }
}
