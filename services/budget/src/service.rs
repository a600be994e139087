//! The RPCs of the budget.

use std::sync::Arc;

use chassis::fault::{Fault, Kind};
use chassis::{Life, clock};
use futures::stream::BoxStream;
use proto::v1::budget_server::Budget;
use proto::v1::{self, Empty};
use tonic::{Request, Response, Status};

use crate::account::Owner;
use crate::batch::Writer;
use crate::config::Config;
use crate::convert;
use crate::ledger::Book;
use crate::operation::{Answer, Operation, Refusal, Reserve};
use crate::rules::Rules;
use crate::store::Store;
use crate::{Error, watch};

mod defining;
mod proving;
mod reading;
mod settling;
mod simulating;

/// The budget as a service.
pub struct Service {
    config: Config,
    store: Arc<dyn Store>,
    writer: Writer,
    rules: Arc<Rules>,
    life: Life,
}

type Reply<T> = Result<Response<T>, Status>;

impl Service {
    pub(crate) fn new(
        config: Config,
        store: Arc<dyn Store>,
        writer: Writer,
        rest: (Arc<Rules>, Life),
    ) -> Self {
        let (rules, life) = rest;
        Self { config, store, writer, rules, life }
    }

    fn ask(&self, request: v1::ReserveRequest) -> Result<Reserve, Error> {
        let ttl_ms = match (request.ttl_ms, self.config.reservation_ttl_ms) {
            (_, configured) if 0 < configured => configured,
            (asked, _) if 0 < asked => asked,
            _ => self.config.dispatch_timeout_ms * 2,
        };
        convert::reserve(request, ttl_ms)
    }

    async fn book(&self, owner: &Owner, now_ms: i64) -> Result<Book, Error> {
        let sheet = self.store.look(&[Operation::Look(owner.clone())], now_ms).await?;
        Ok(sheet.book(owner, now_ms))
    }

    async fn view(&self, owner: &Owner) -> Result<v1::BudgetView, Error> {
        let now_ms = clock::now_ms();
        let book = self.book(owner, now_ms).await?;
        let Some(definition) = &book.definition else {
            return Err(Error::Refused(Refusal::Missing(owner.scope.clone())));
        };
        let is_exact = owner.scope.key != "*";
        Ok(convert::view(definition, is_exact.then_some(&book)))
    }
}

#[tonic::async_trait]
impl Budget for Service {
    async fn reserve(&self, request: Request<v1::ReserveRequest>) -> Reply<v1::Decision> {
        let ask = self.ask(request.into_inner())?;
        let (charge_id, tenant) = (ask.charge.id.clone(), ask.charge.tenant.clone());
        let Answer::Verdict(verdict) = self.writer.submit(Operation::Reserve(ask)).await? else {
            return Err(Status::internal("a reserve was answered as something else"));
        };
        let decision = convert::decision(verdict);
        metrics::counter!("budget.reservations", "action" => decision.action.clone()).increment(1);
        if !decision.allowed {
            let reason = decision.reason.as_str();
            tracing::info!(
                audit = true,
                event_type = "budget.denied",
                outcome = "failure",
                tenant,
                charge_id,
                reason,
                "a call was denied"
            );
        }
        Ok(Response::new(decision))
    }

    async fn settle(&self, request: Request<v1::SettleRequest>) -> Reply<v1::SettleResponse> {
        let settle = convert::settle(request.into_inner())?;
        let answer = self.writer.submit(Operation::Settle(settle)).await?;
        Ok(Response::new(settling::committed(answer)?))
    }

    type SettleEarlyStream = BoxStream<'static, Result<v1::SettleResponse, Status>>;

    async fn settle_early(
        &self,
        request: Request<v1::SettleRequest>,
    ) -> Reply<Self::SettleEarlyStream> {
        let settle = convert::settle(request.into_inner())?;
        let answers = self.writer.submit_early(Operation::Settle(settle));
        Ok(Response::new(settling::both(answers)))
    }

    async fn release(&self, request: Request<v1::ReleaseRequest>) -> Reply<v1::ReleaseResponse> {
        let request = request.into_inner();
        let charge = convert::charge(request.context.as_ref(), request.charge_id)?;
        let Answer::Released { state, books } =
            self.writer.submit(Operation::Release(charge)).await?
        else {
            return Err(Status::internal("a release was answered as something else"));
        };
        let state = state.name().to_owned();
        Ok(Response::new(v1::ReleaseResponse { state, scopes: convert::states(&books) }))
    }

    async fn check(&self, request: Request<v1::ReserveRequest>) -> Reply<v1::Decision> {
        let mut request = request.into_inner();
        if request.charge_id.is_empty() {
            "check".clone_into(&mut request.charge_id);
        }
        let ask = self.ask(request)?;
        let now_ms = clock::now_ms();
        let sheet = self.store.look(&[Operation::Reserve(ask.clone())], now_ms).await?;
        let verdict = sheet.check(&ask, &self.rules, now_ms);
        Ok(Response::new(convert::decision(verdict)))
    }

    async fn put_budget(
        &self,
        request: Request<v1::PutBudgetRequest>,
    ) -> Reply<v1::PutBudgetResponse> {
        Ok(Response::new(self.defined(request.into_inner()).await?))
    }

    async fn get_budget(&self, request: Request<v1::GetBudgetRequest>) -> Reply<v1::BudgetView> {
        let request = request.into_inner();
        let owner = convert::owner(request.context.as_ref(), request.scope)?;
        Ok(Response::new(self.view(&owner).await?))
    }

    async fn list_budgets(
        &self,
        request: Request<v1::ListBudgetsRequest>,
    ) -> Reply<v1::ListBudgetsResponse> {
        Ok(Response::new(self.all_defined(request.into_inner()).await?))
    }

    async fn delete_budget(&self, request: Request<v1::DeleteBudgetRequest>) -> Reply<Empty> {
        Ok(Response::new(self.removed(request.into_inner()).await?))
    }

    async fn reset_budget(
        &self,
        request: Request<v1::ResetBudgetRequest>,
    ) -> Reply<v1::ResetBudgetResponse> {
        Ok(Response::new(self.renewed(request.into_inner()).await?))
    }

    async fn report(&self, request: Request<v1::ReportRequest>) -> Reply<v1::ReportResponse> {
        Ok(Response::new(self.reported(request.into_inner()).await?))
    }

    async fn list_ledger(
        &self,
        request: Request<v1::ListLedgerRequest>,
    ) -> Reply<v1::ListLedgerResponse> {
        Ok(Response::new(self.listed(request.into_inner()).await?))
    }

    async fn estimate_cost(
        &self,
        request: Request<v1::EstimateCostRequest>,
    ) -> Reply<v1::EstimateCostResponse> {
        Ok(Response::new(self.estimated(request.into_inner())?))
    }

    async fn explain_balance(
        &self,
        request: Request<v1::ExplainBalanceRequest>,
    ) -> Reply<v1::ExplainBalanceResponse> {
        Ok(Response::new(self.explained(request.into_inner()).await?))
    }

    async fn verify(&self, request: Request<v1::VerifyRequest>) -> Reply<v1::VerifyResponse> {
        Ok(Response::new(self.verified(request.into_inner()).await?))
    }

    async fn simulate(&self, request: Request<v1::SimulateRequest>) -> Reply<v1::SimulateResponse> {
        Ok(Response::new(self.simulated(request.into_inner()).await?))
    }

    type WatchEventsStream = BoxStream<'static, Result<v1::BudgetEvent, Status>>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Reply<Self::WatchEventsStream> {
        let request = request.into_inner();
        let tenant = convert::tenant(request.context.as_ref());
        let after = match request.after_id {
            0 => self.store.last_event().await?,
            after => after,
        };
        Ok(Response::new(Box::pin(watch::events(
            self.store.clone(),
            self.life.clone(),
            (tenant, after),
        ))))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let fault = |kind, code| Fault::new(kind, code, error.to_string());
        match &error {
            Error::Invalid(path, message) => {
                fault(Kind::Invalid, "invalid_request").violation(path, message).into()
            }
            Error::Refused(Refusal::Amount(..)) => fault(Kind::Invalid, "invalid_request")
                .violation("actual", error.to_string())
                .into(),
            Error::Refused(Refusal::Unknown(_)) => fault(Kind::Missing, "not_found").into(),
            Error::Refused(Refusal::Missing(_)) => fault(Kind::Missing, "budget_not_found").into(),
            Error::Refused(Refusal::Exists(_)) => fault(Kind::Exists, "budget_exists").into(),
            Error::Busy => fault(Kind::Unavailable, "budget_unavailable").into(),
            Error::Store(cause) => {
                tracing::error!(%cause, "the store of the budget failed");
                fault(Kind::Unavailable, "dependency_unavailable").into()
            }
        }
    }
}
