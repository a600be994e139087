//! Carries out what is to be done about a charge: by the turn that caused it, and again by the sweep until the budget
//! service confirms it.

use proto::v1::{Context, ReleaseRequest, Scope, ScopeState, SettleRequest, Usage};
use tonic::{Code, Status};

use crate::peers::Peers;
use crate::store::{Order, Settlement};

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
    let settled = peers.settle(request).await?;
    Ok(Charged {
        actual_micros: Some(settled.actual_micros),
        estimated: settled.estimated,
        scopes: settled.scopes,
    })
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
