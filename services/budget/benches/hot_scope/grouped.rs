//! The budget itself, through its RPCs.

use std::sync::Arc;

use budget::Config;
use chassis::config::Environment;
use chassis::{Database, Life, Link, Mode, Resources};
use proto::v1::budget_client::BudgetClient;
use proto::v1::{
    BudgetDefinition, BudgetPolicy, Context, PutBudgetRequest, ReserveRequest, Scope, SettleRequest,
};

use super::Till;

struct Grouped {
    client: BudgetClient<Link>,
}

fn context() -> Option<Context> {
    Some(Context { tenant: "default".to_owned(), user_id: "u".to_owned(), ..Context::default() })
}

fn scope() -> Scope {
    Scope { r#type: "org".to_owned(), key: "mesh".to_owned() }
}

pub(super) async fn till(database: &Database) -> Arc<dyn Till> {
    let config = Config::read(&mut Environment::of([("MESH_ENV", "test")]));
    let resources = Resources {
        database: Some(database.clone()),
        redis: None,
        life: Life::new(),
        mode: Mode::Test,
        resolver: chassis::connect::system(),
    };
    let client = BudgetClient::new(Link::local(budget::build(&config, &resources).await.unwrap()));
    let definition = BudgetDefinition {
        scope: Some(scope()),
        limit_micros: i64::MAX / 4,
        policy: Some(BudgetPolicy { soft_cap: 0.8, hard_cap: 1.0, ..BudgetPolicy::default() }),
        ..BudgetDefinition::default()
    };
    let request =
        PutBudgetRequest { context: context(), definition: Some(definition), create_only: false };
    client.clone().put_budget(request).await.unwrap();
    Arc::new(Grouped { client })
}

#[async_trait::async_trait]
impl Till for Grouped {
    async fn pair(&self, charge: &str) {
        let ask = ReserveRequest {
            context: context(),
            charge_id: charge.to_owned(),
            scopes: vec![scope()],
            estimate_micros: Some(10),
            ..ReserveRequest::default()
        };
        let decision = self.client.clone().reserve(ask).await.unwrap().into_inner();
        assert!(decision.allowed, "{decision:?}");
        let bill = SettleRequest {
            context: context(),
            charge_id: charge.to_owned(),
            actual_micros: Some(10),
            ..SettleRequest::default()
        };
        let settled = self.client.clone().settle(bill).await.unwrap().into_inner();
        assert_eq!(settled.state, "settled");
    }
}
