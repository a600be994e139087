//! A budget and a tenant of its own, through the RPCs.

use budget::Config;
use chassis::config::Environment;
use chassis::fault::Fault;
use chassis::{Database, Life, Link, Mode, Resources};
use proto::v1::budget_client::BudgetClient;
use proto::v1::{
    BudgetDefinition, BudgetPolicy, BudgetView, Context, Decision, DeleteBudgetRequest,
    GetBudgetRequest, LedgerEntry, ListLedgerRequest, PutBudgetRequest, ReleaseRequest,
    ReleaseResponse, ReserveRequest, ResetBudgetRequest, ResetBudgetResponse, Scope, SettleRequest,
    SettleResponse, WatchEventsRequest,
};

/// The answer of a call, or the code of its failure.
pub(crate) type Reply<T> = Result<T, String>;

/// A client of one tenant.
#[derive(Clone)]
pub(crate) struct Till {
    pub(crate) client: BudgetClient<Link>,
    pub(crate) tenant: String,
    pub(crate) life: Life,
}

/// A scope.
pub(crate) fn scope(kind: &str, key: &str) -> Scope {
    Scope { r#type: kind.to_owned(), key: key.to_owned() }
}

/// The policy of the definition that an empty store starts with.
pub(crate) fn built_in() -> BudgetPolicy {
    let from = ["gpt-4o", "gpt-4-turbo", "claude-opus-4-1"].map(str::to_owned).to_vec();
    BudgetPolicy {
        soft_cap: 0.8,
        hard_cap: 1.0,
        auto_downgrade: vec![proto::v1::DowngradeRule { from, to: "gpt-4o-mini".to_owned() }],
        disable_tools: vec!["web-search-premium".to_owned()],
        ..BudgetPolicy::default()
    }
}

/// The policy of a plain limit.
pub(crate) fn plain() -> BudgetPolicy {
    BudgetPolicy { soft_cap: 0.8, hard_cap: 1.0, ..BudgetPolicy::default() }
}

fn said<T>(reply: Result<tonic::Response<T>, tonic::Status>) -> Reply<T> {
    reply.map(tonic::Response::into_inner).map_err(|status| Fault::of(&status).code)
}

impl Till {
    /// An instance of the budget on this database.
    pub(crate) async fn open(database: &Database, settings: &[(&str, &str)]) -> Self {
        let mut env = Environment::of(settings.iter().copied().chain([("MESH_ENV", "test")]));
        let config = Config::read(&mut env);
        env.finish().unwrap();
        let life = Life::new();
        let resources = Resources {
            database: Some(database.clone()),
            redis: None,
            life: life.clone(),
            mode: Mode::Test,
            resolver: chassis::connect::system(),
        };
        let server = budget::build(&config, &resources).await.unwrap();
        let client = BudgetClient::new(Link::local(server));
        Self { client, tenant: chassis::testing::unique("t").replace('_', "-"), life }
    }

    /// The same instance for another tenant.
    pub(crate) fn of(&self, tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), ..self.clone() }
    }

    pub(crate) fn context(&self) -> Option<Context> {
        let user_id = "u".to_owned();
        Some(Context { tenant: self.tenant.clone(), user_id, ..Context::default() })
    }

    /// A reservation of an amount, to be altered.
    pub(crate) fn ask(&self, charge: &str, scopes: &[Scope], micros: i64) -> ReserveRequest {
        ReserveRequest {
            context: self.context(),
            charge_id: charge.to_owned(),
            scopes: scopes.to_vec(),
            estimate_micros: Some(micros),
            ttl_ms: 3_600_000,
            ..ReserveRequest::default()
        }
    }

    pub(crate) async fn reserve(&self, request: ReserveRequest) -> Reply<Decision> {
        said(self.client.clone().reserve(request).await)
    }

    pub(crate) async fn check(&self, request: ReserveRequest) -> Reply<Decision> {
        said(self.client.clone().check(request).await)
    }

    /// A settlement of an amount, to be altered.
    pub(crate) fn bill(&self, charge: &str, micros: Option<i64>) -> SettleRequest {
        SettleRequest {
            context: self.context(),
            charge_id: charge.to_owned(),
            actual_micros: micros,
            ..SettleRequest::default()
        }
    }

    pub(crate) async fn settle(&self, request: SettleRequest) -> Reply<SettleResponse> {
        said(self.client.clone().settle(request).await)
    }

    pub(crate) async fn release(&self, charge: &str) -> Reply<ReleaseResponse> {
        let request = ReleaseRequest { context: self.context(), charge_id: charge.to_owned() };
        said(self.client.clone().release(request).await)
    }

    pub(crate) async fn put(
        &self,
        scope: Scope,
        limit_micros: i64,
        policy: BudgetPolicy,
    ) -> Reply<bool> {
        let definition = BudgetDefinition {
            scope: Some(scope),
            limit_micros,
            policy: Some(policy),
            ..BudgetDefinition::default()
        };
        let (context, definition) = (self.context(), Some(definition));
        let request = PutBudgetRequest { context, definition, create_only: false };
        said(self.client.clone().put_budget(request).await).map(|put| put.created)
    }

    pub(crate) async fn delete(&self, scope: Scope) -> Reply<()> {
        let request = DeleteBudgetRequest { context: self.context(), scope: Some(scope) };
        said(self.client.clone().delete_budget(request).await).map(|_| ())
    }

    pub(crate) async fn reset(&self, scope: Scope) -> Reply<ResetBudgetResponse> {
        let request = ResetBudgetRequest { context: self.context(), scope: Some(scope) };
        said(self.client.clone().reset_budget(request).await)
    }

    pub(crate) async fn view(&self, scope: Scope) -> Reply<BudgetView> {
        let request = GetBudgetRequest { context: self.context(), scope: Some(scope) };
        said(self.client.clone().get_budget(request).await)
    }

    /// What is spent and reserved in a scope that has a definition.
    pub(crate) async fn account(&self, scope: Scope) -> (i64, i64) {
        let account = self.view(scope).await.unwrap().account.unwrap();
        (account.spent_micros, account.reserved_micros)
    }

    /// Every row of the ledger, page by page.
    pub(crate) async fn ledger(&self, page: i64) -> Vec<LedgerEntry> {
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let request = ListLedgerRequest {
                context: self.context(),
                cursor,
                limit: page,
                ..ListLedgerRequest::default()
            };
            let mut answer = said(self.client.clone().list_ledger(request).await).unwrap();
            entries.append(&mut answer.entries);
            if answer.next_cursor.is_empty() {
                return entries;
            }
            cursor = answer.next_cursor;
        }
    }

    /// The types of every event so far: those before one of our own that closes the list.
    pub(crate) async fn told(&self) -> Vec<(String, serde_json::Value)> {
        let mark = scope("task", "the-end-of-the-list");
        self.put(mark.clone(), 1, plain()).await.unwrap();
        self.reset(mark.clone()).await.unwrap();
        let request = WatchEventsRequest { context: self.context(), after_id: -1 };
        let mut stream = self.client.clone().watch_events(request).await.unwrap().into_inner();
        let mut told = Vec::new();
        loop {
            let event = stream.message().await.unwrap().unwrap();
            if event.tenant != self.tenant {
                continue;
            }
            if event.scope == Some(mark.clone()) {
                return told;
            }
            told.push((event.r#type, serde_json::from_str(&event.payload_json).unwrap()));
        }
    }
}
