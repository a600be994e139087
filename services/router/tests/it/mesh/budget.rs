use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use chassis::Link;
use futures::stream::{self, Stream, StreamExt as _};
use proto::v1::budget_server::{Budget, BudgetServer};
use proto::v1::*;
use std::result::Result;
use tonic::{Request, Response, Status};

use super::Trap;

/// What every call is estimated at.
pub const ESTIMATE: i64 = 1_000;
/// What the org may spend unless a test says otherwise.
const LIMIT: i64 = 10_000_000;

/// A budget of one scope, `org:mesh`.
pub struct Money {
    books: Arc<Mutex<Books>>,
    pub trap: Arc<Trap>,
}

#[derive(Clone, Default)]
struct Books {
    limit: i64,
    spent: i64,
    open: BTreeMap<String, i64>,
    closed: BTreeMap<String, &'static str>,
    settled: Vec<SettleRequest>,
    reserved: Vec<ReserveRequest>,
    is_down: bool,
    settles_are_down: bool,
}

impl Default for Money {
    fn default() -> Self {
        let books = Books { limit: LIMIT, ..Books::default() };
        Self { books: Arc::new(Mutex::new(books)), trap: Arc::default() }
    }
}

impl Money {
    pub fn limit(&self, micros: i64) {
        self.books().limit = micros;
    }

    pub fn go_down(&self, is_down: bool) {
        self.books().is_down = is_down;
    }

    pub fn refuse_settles(&self, are_down: bool) {
        self.books().settles_are_down = are_down;
    }

    pub fn spent(&self) -> i64 {
        self.books().spent
    }

    /// The charges that are still held.
    pub fn open(&self) -> Vec<String> {
        self.books().open.keys().cloned().collect()
    }

    pub fn settled(&self) -> Vec<SettleRequest> {
        self.books().settled.clone()
    }

    pub fn reserved(&self) -> Vec<ReserveRequest> {
        self.books().reserved.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

impl Books {
    fn settle(&mut self, request: SettleRequest) -> Result<SettleResponse, Status> {
        if self.is_down || self.settles_are_down {
            return Err(Status::unavailable("gone"));
        }
        let reserved = self.open.remove(&request.charge_id);
        if reserved.is_none() && !request.unreserved {
            let Some(state) = self.closed.get(&request.charge_id) else {
                return Err(Status::not_found("no such charge"));
            };
            let state = (*state).to_owned();
            return Ok(SettleResponse { state, ..SettleResponse::default() });
        }
        let cost = request.usage.as_ref().and_then(|usage| usage.cost_micros);
        let actual = request.actual_micros.or(cost).or(reserved).unwrap_or(ESTIMATE);
        self.spent += actual;
        self.closed.insert(request.charge_id.clone(), "settled");
        let response = SettleResponse {
            state: "settled".to_owned(),
            actual_micros: actual,
            estimated: request.estimated,
            scopes: self.state(),
            is_committed: true,
        };
        self.settled.push(request);
        Ok(response)
    }

    fn state(&self) -> Vec<ScopeState> {
        let reserved: i64 = self.open.values().sum();
        let remaining = (self.limit - self.spent - reserved).max(0);
        vec![ScopeState {
            scope: Some(Scope { r#type: "org".to_owned(), key: "mesh".to_owned() }),
            limit_micros: self.limit,
            spent_micros: self.spent,
            reserved_micros: reserved,
            remaining_micros: remaining,
            remaining_after_micros: (remaining - ESTIMATE).max(0),
            state: "active".to_owned(),
            ..ScopeState::default()
        }]
    }
}

pub(super) fn link(money: Arc<Money>) -> Link {
    Link::local(BudgetServer::from_arc(money))
}

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the router does not ask for it"))
}

#[tonic::async_trait]
impl Budget for Money {
    type SettleEarlyStream = Pin<Box<dyn Stream<Item = Result<SettleResponse, Status>> + Send>>;
    type WatchEventsStream = Pin<Box<dyn Stream<Item = Result<BudgetEvent, Status>> + Send>>;

    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<Decision>, Status> {
        self.trap.pass("reserve").await;
        let mut books = self.books();
        if books.is_down {
            return Err(Status::unavailable("gone"));
        }
        let request = request.into_inner();
        let mut scopes = books.state();
        let allowed = ESTIMATE <= scopes[0].remaining_micros;
        scopes[0].denies = !allowed;
        let decision = Decision {
            allowed,
            action: if allowed { "allow" } else { "hard-stop" }.to_owned(),
            model: request.model.clone(),
            reserved_micros: if allowed { ESTIMATE } else { 0 },
            estimate_micros: ESTIMATE,
            reason: if allowed { "" } else { "Hard cap exceeded" }.to_owned(),
            scopes,
            ..Decision::default()
        };
        if allowed {
            books.open.insert(request.charge_id.clone(), ESTIMATE);
        }
        books.reserved.push(request);
        Ok(Response::new(decision))
    }

    async fn settle(
        &self,
        request: Request<SettleRequest>,
    ) -> Result<Response<SettleResponse>, Status> {
        self.trap.pass("settle").await;
        Ok(Response::new(self.books().settle(request.into_inner())?))
    }

    async fn settle_early(
        &self,
        request: Request<SettleRequest>,
    ) -> Result<Response<Self::SettleEarlyStream>, Status> {
        self.trap.pass("settle").await;
        let request = request.into_inner();
        let decided = self.books().clone().settle(request.clone())?;
        let (books, trap) = (self.books.clone(), self.trap.clone());
        let commit = async move {
            trap.pass("confirm").await;
            books.lock().unwrap().settle(request)
        };
        let decided = SettleResponse { is_committed: false, ..decided };
        let answers = stream::iter([Ok(decided)]).chain(stream::once(commit));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        let mut books = self.books();
        if books.is_down || books.settles_are_down {
            return Err(Status::unavailable("gone"));
        }
        let charge_id = request.into_inner().charge_id;
        if books.open.remove(&charge_id).is_none() && !books.closed.contains_key(&charge_id) {
            return Err(Status::not_found("no such charge"));
        }
        books.closed.entry(charge_id).or_insert("released");
        let scopes = books.state();
        Ok(Response::new(ReleaseResponse { state: "released".to_owned(), scopes }))
    }

    async fn check(&self, _: Request<ReserveRequest>) -> Result<Response<Decision>, Status> {
        no()
    }

    async fn put_budget(
        &self,
        _: Request<PutBudgetRequest>,
    ) -> Result<Response<PutBudgetResponse>, Status> {
        no()
    }

    async fn get_budget(
        &self,
        _: Request<GetBudgetRequest>,
    ) -> Result<Response<BudgetView>, Status> {
        no()
    }

    async fn list_budgets(
        &self,
        _: Request<ListBudgetsRequest>,
    ) -> Result<Response<ListBudgetsResponse>, Status> {
        no()
    }

    async fn delete_budget(
        &self,
        _: Request<DeleteBudgetRequest>,
    ) -> Result<Response<Empty>, Status> {
        no()
    }

    async fn reset_budget(
        &self,
        _: Request<ResetBudgetRequest>,
    ) -> Result<Response<ResetBudgetResponse>, Status> {
        no()
    }

    async fn report(&self, _: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        no()
    }

    async fn list_ledger(
        &self,
        _: Request<ListLedgerRequest>,
    ) -> Result<Response<ListLedgerResponse>, Status> {
        no()
    }

    async fn estimate_cost(
        &self,
        _: Request<EstimateCostRequest>,
    ) -> Result<Response<EstimateCostResponse>, Status> {
        no()
    }

    async fn explain_balance(
        &self,
        _: Request<ExplainBalanceRequest>,
    ) -> Result<Response<ExplainBalanceResponse>, Status> {
        no()
    }

    async fn verify(&self, _: Request<VerifyRequest>) -> Result<Response<VerifyResponse>, Status> {
        no()
    }

    async fn simulate(
        &self,
        _: Request<SimulateRequest>,
    ) -> Result<Response<SimulateResponse>, Status> {
        no()
    }

    async fn watch_events(
        &self,
        _: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        no()
    }
}
