//! Carries out what is to be done about a charge: by the turn that caused it, and again by the sweep until the budget
//! service confirms it.

use std::sync::{Mutex, PoisonError};

use proto::v1::{Context, ReleaseRequest, Scope, ScopeState, SettleRequest, SettleResponse, Usage};
use tonic::{Code, Status};

use crate::peers::{Confirmation, Peers};
use crate::store::{Order, Settlement};

/// How many confirmed charges wait to be forgotten; those beyond it are confirmed once more.
const CONFIRMED_MAX: usize = 10_000;

/// Charges that are confirmed and still stored as owed: they are forgotten together, now and then.
#[derive(Debug, Default)]
pub(crate) struct Confirmed {
    charge_ids: Mutex<Vec<String>>,
}

impl Confirmed {
    /// Notes that a charge is confirmed.
    pub(crate) fn note(&self, charge_id: String) {
        let mut charge_ids = self.charge_ids.lock().unwrap_or_else(PoisonError::into_inner);
        if charge_ids.len() < CONFIRMED_MAX {
            charge_ids.push(charge_id);
        }
    }

    /// All that were noted since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.charge_ids.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the budget service made of a charge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charged {
    /// What was charged; absent when it was not said.
    pub actual_micros: Option<i64>,
    /// Whether that is a guess.
    pub estimated: bool,
    /// The budgets after it.
    pub scopes: Vec<ScopeState>,
}

/// Begins to settle a charge: what was decided, and what waits until it is committed.
pub(crate) async fn begin(
    peers: &Peers,
    owed: &Settlement,
) -> Result<(Charged, Confirmation), Status> {
    let (settled, confirmation) = peers.settle_early(settle_request(owed)).await?;
    Ok((Charged::from(settled), confirmation))
}

/// Settles or releases a charge. What the service does not know of needs nothing done.
pub(crate) async fn carry_out(peers: &Peers, owed: &Settlement) -> Result<Charged, Status> {
    let order = &owed.order;
    if order.release {
        let request =
            ReleaseRequest { context: Some(context(order)), charge_id: owed.charge_id.clone() };
        return match peers.release(request).await {
            Ok(released) => Ok(Charged { scopes: released.scopes, ..Charged::default() }),
            Err(status) => forgiven(status),
        };
    }
    match settle(peers, settle_request(owed)).await {
        // An amount that the budget refuses is replaced by the one that was reserved.
        Err(status) if status.code() == Code::InvalidArgument => {
            tracing::warn!(charge_id = owed.charge_id, %status, "an amount was refused");
            let reserved = SettleRequest {
                usage: None,
                actual_micros: None,
                estimated: true,
                ..settle_request(owed)
            };
            settle(peers, reserved).await.or_else(forgiven)
        }
        Err(status) => forgiven(status),
        settled => settled,
    }
}

async fn settle(peers: &Peers, request: SettleRequest) -> Result<Charged, Status> {
    peers.settle(request).await.map(Charged::from)
}

impl From<SettleResponse> for Charged {
    fn from(settled: SettleResponse) -> Self {
        Self {
            actual_micros: Some(settled.actual_micros),
            estimated: settled.estimated,
            scopes: settled.scopes,
        }
    }
}

/// What can never succeed is not tried again.
fn forgiven(status: Status) -> Result<Charged, Status> {
    match status.code() {
        Code::NotFound => Ok(Charged::default()),
        Code::InvalidArgument => {
            tracing::error!(%status, "a charge was refused for good");
            Ok(Charged::default())
        }
        _ => Err(status),
    }
}

fn settle_request(owed: &Settlement) -> SettleRequest {
    let order = &owed.order;
    let usage = order.usage.as_ref().map(|used| Usage {
        model: used.model.clone(),
        input_tokens: used.input_tokens,
        output_tokens: used.output_tokens,
        cost_micros: used.cost_micros,
        ..Usage::default()
    });
    let scopes = order.unreserved.iter().flatten();
    SettleRequest {
        context: Some(context(order)),
        charge_id: owed.charge_id.clone(),
        actual_micros: order.actual_micros,
        usage,
        estimated: order.estimated,
        unreserved: order.unreserved.is_some(),
        scopes: scopes
            .map(|(kind, key)| Scope { r#type: kind.clone(), key: key.clone() })
            .collect(),
        per_call_micros: order.per_call_micros,
        agent_id: order.agent_id.clone(),
    }
}

fn context(order: &Order) -> Context {
    Context {
        tenant: order.tenant.clone(),
        user_id: order.user_id.clone(),
        request_id: order.request_id.clone(),
        key_id: String::new(),
    }
}
