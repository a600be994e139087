//! A budget on a fresh database.

use budget::Config;
use chassis::config::Environment;
use chassis::{Database, Life, Link, Mode, Resources};
use proto::v1::budget_client::BudgetClient;
use proto::v1::{
    BudgetDefinition, BudgetPolicy, Context, Decision, GetBudgetRequest, PutBudgetRequest,
    ReserveRequest, Scope, SettleRequest,
};

/// A client of a budget of its own.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) budget: BudgetClient<Link>,
}

/// A scope.
pub(crate) fn scope(kind: &str, key: &str) -> Scope {
    Scope { r#type: kind.to_owned(), key: key.to_owned() }
}

/// The context of a call.
pub(crate) fn context() -> Option<Context> {
    Some(Context { tenant: "default".to_owned(), user_id: "u".to_owned(), ..Context::default() })
}

impl World {
    /// A budget on this database, with these settings.
    pub(crate) async fn open(database: &Database, settings: &[(&str, &str)]) -> Self {
        let pairs = settings.iter().copied().chain([("MESH_ENV", "test")]);
        let mut env = Environment::of(pairs);
        let config = Config::read(&mut env);
        env.finish().unwrap();
        let resources = Resources {
            database: Some(database.clone()),
            redis: None,
            life: Life::new(),
            mode: Mode::Test,
            resolver: chassis::connect::system(),
        };
        let server = budget::build(&config, &resources).await.unwrap();
        Self { budget: BudgetClient::new(Link::local(server)) }
    }

    /// Gives a scope a limit.
    pub(crate) async fn limit(&self, scope: Scope, limit_micros: i64, policy: BudgetPolicy) {
        let definition = BudgetDefinition {
            scope: Some(scope),
            limit_micros,
            policy: Some(policy),
            ..Default::default()
        };
        let request = PutBudgetRequest {
            context: context(),
            definition: Some(definition),
            create_only: false,
        };
        self.budget.clone().put_budget(request).await.unwrap();
    }

    /// Asks for an amount in these scopes.
    pub(crate) async fn reserve(&self, charge: &str, scopes: &[Scope], amount: i64) -> Decision {
        let request = ReserveRequest {
            context: context(),
            charge_id: charge.to_owned(),
            scopes: scopes.to_vec(),
            estimate_micros: Some(amount),
            ..Default::default()
        };
        self.budget.clone().reserve(request).await.unwrap().into_inner()
    }

    /// Charges an amount.
    pub(crate) async fn settle(&self, charge: &str, amount: i64) -> String {
        let request = SettleRequest {
            context: context(),
            charge_id: charge.to_owned(),
            actual_micros: Some(amount),
            ..Default::default()
        };
        self.budget.clone().settle(request).await.unwrap().into_inner().state
    }

    /// What is spent and held in a scope.
    pub(crate) async fn account(&self, scope: Scope) -> (i64, i64) {
        let request = GetBudgetRequest { context: context(), scope: Some(scope) };
        let view = self.budget.clone().get_budget(request).await.unwrap().into_inner();
        let account = view.account.unwrap();
        (account.spent_micros, account.reserved_micros)
    }
}

/// The policy of a plain limit.
pub(crate) fn plain() -> BudgetPolicy {
    BudgetPolicy { soft_cap: 0.8, hard_cap: 1.0, ..Default::default() }
}
