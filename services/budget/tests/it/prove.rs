//! What balances are made of, and what calls would be answered.

use chassis::fault::Fault;
use proto::v1::simulation_result::Result as Played;
use proto::v1::simulation_step::Step;
use proto::v1::{
    BudgetDefinition, ExplainBalanceRequest, ListLedgerRequest, ReserveRequest, Scope,
    SettleRequest, SimulateRequest, SimulationResult, SimulationStep, VerifyRequest,
    VerifyResponse,
};

use crate::world::{World, context, plain, scope};

async fn spend(world: &World, user: &Scope) {
    for (charge, held, actual) in [("a", 50, 60), ("b", 50, 10), ("c", 50, 0)] {
        world.reserve(charge, &[user.clone(), scope("org", "mesh")], held).await;
        world.settle(charge, actual).await;
    }
    world.reserve("open", std::slice::from_ref(user), 7).await;
}

/// Every page, two accounts at a time.
async fn verify(world: &World) -> Vec<VerifyResponse> {
    let mut pages: Vec<VerifyResponse> = Vec::new();
    loop {
        let cursor = pages.last().map(|page| page.next_cursor.clone()).unwrap_or_default();
        let request = VerifyRequest { context: context(), cursor, limit: 2 };
        pages.push(world.budget.clone().verify(request).await.unwrap().into_inner());
        if pages.last().is_some_and(|page| page.next_cursor.is_empty()) {
            return pages;
        }
    }
}

#[tokio::test]
async fn a_balance_is_explained_by_all_its_rows_and_holds() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        let user = scope("user", "ann");
        spend(&world, &user).await;
        let mut request = ExplainBalanceRequest {
            context: context(),
            scope: Some(user.clone()),
            limit: 2,
            ..ExplainBalanceRequest::default()
        };
        let first =
            world.budget.clone().explain_balance(request.clone()).await.unwrap().into_inner();
        assert_eq!((first.spent_micros, first.ledger_micros, first.ledger_entries), (70, 70, 3));
        assert_eq!((first.reserved_micros, first.holds_micros, first.holds_count), (7, 7, 1));
        assert_eq!(first.holds[0].charge_id, "open");
        assert_eq!(first.definition.unwrap().scope.unwrap().key, "*", "the limit of every user");
        request.cursor = first.next_cursor;
        let second = world.budget.clone().explain_balance(request).await.unwrap().into_inner();
        let charges = first.entries.iter().chain(&second.entries).map(|e| e.charge_id.as_str());
        assert_eq!(charges.collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(second.next_cursor, "");
    }
}

#[tokio::test]
async fn what_does_not_add_up_is_found_and_nothing_else() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        for user in ["ann", "bob", "cid"] {
            let user = scope("user", user);
            let charge = format!("of-{}", user.key);
            world.reserve(&charge, std::slice::from_ref(&user), 9).await;
            world.settle(&charge, 9).await;
        }
        spend(&world, &scope("user", "dan")).await;
        let sound = verify(&world).await;
        assert!(sound.iter().all(|page| page.differences.is_empty()), "{sound:?}");
        assert_eq!(sound.iter().map(|page| page.accounts).sum::<i64>(), 5);
        assert_eq!(sound.iter().map(|page| page.entries).sum::<i64>(), 9);
        for sql in [
            "UPDATE budget_accounts SET spent_micros = 8 WHERE scope = 'default/user/bob'",
            "UPDATE budget_accounts SET reserved_micros = 0 WHERE scope = 'default/user/dan'",
            "DELETE FROM budget_accounts WHERE scope = 'default/org/mesh'",
        ] {
            sqlx::query(sql).execute(&database.pool).await.unwrap();
        }
        let broken = verify(&world).await;
        let found = broken.iter().flat_map(|page| &page.differences).map(|found| {
            let key = found.scope.as_ref().unwrap().key.as_str();
            (
                key,
                found.spent_micros,
                found.ledger_micros,
                found.reserved_micros,
                found.holds_micros,
            )
        });
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        assert_eq!(found, [("bob", 8, 9, 0, 0), ("dan", 70, 70, 0, 7), ("mesh", 0, 70, 0, 0)]);
    }
}

#[tokio::test]
async fn a_cursor_that_nobody_gave_out_is_refused() {
    let world = World::open(&chassis::testing::sqlite().await, &[]).await;
    let cursor = || "yesterday".to_owned();
    let mut budget = world.budget.clone();
    let list =
        ListLedgerRequest { context: context(), cursor: cursor(), ..ListLedgerRequest::default() };
    let verify = VerifyRequest { context: context(), cursor: cursor(), limit: 0 };
    let said = [
        budget.list_ledger(list).await.map(drop).unwrap_err(),
        budget.verify(verify).await.map(drop).unwrap_err(),
    ];
    for status in said {
        assert_eq!(Fault::of(&status).code, "invalid_request");
    }
}

fn reserve(charge: &str, user: &Scope, micros: i64) -> SimulationStep {
    let ask = ReserveRequest {
        charge_id: charge.to_owned(),
        scopes: vec![user.clone()],
        estimate_micros: Some(micros),
        ..ReserveRequest::default()
    };
    SimulationStep { after_ms: 0, step: Some(Step::Reserve(ask)) }
}

fn settle(charge: &str, micros: i64) -> SimulationStep {
    let bill = SettleRequest {
        charge_id: charge.to_owned(),
        actual_micros: Some(micros),
        ..SettleRequest::default()
    };
    SimulationStep { after_ms: 0, step: Some(Step::Settle(bill)) }
}

fn word(result: &SimulationResult) -> &str {
    match result.result.as_ref().unwrap() {
        Played::Reserve(decision) => &decision.action,
        Played::Settle(settled) => &settled.state,
        Played::Release(released) => &released.state,
        Played::Fault(fault) => &fault.code,
    }
}

#[tokio::test]
async fn a_simulation_answers_as_the_budget_would_and_writes_nothing() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        let user = scope("user", "ann");
        spend(&world, &user).await;
        world.limit(user.clone(), 100, plain()).await;
        let simulate = async |from_zero, definitions| {
            let steps = vec![
                reserve("s1", &user, 20),
                reserve("s2", &user, 20),
                settle("s1", 25),
                settle("open", 7),
                settle("nobody", 1),
            ];
            let request = SimulateRequest { context: context(), definitions, from_zero, steps };
            let played = world.budget.clone().simulate(request).await.unwrap().into_inner();
            played.results
        };
        let words = |results: &[SimulationResult]| {
            results.iter().map(|result| word(result).to_owned()).collect::<Vec<_>>()
        };
        let present = simulate(false, Vec::new()).await;
        assert_eq!(words(&present), ["warn", "hard-stop", "settled", "settled", "not_found"]);
        assert!(present[1].events.iter().any(|event| event.r#type == "hard-stop"), "{present:?}");
        let empty = simulate(true, Vec::new()).await;
        assert_eq!(words(&empty), ["allow", "allow", "settled", "not_found", "not_found"]);
        let wider = BudgetDefinition {
            scope: Some(user.clone()),
            limit_micros: 1_000,
            policy: Some(plain()),
            ..BudgetDefinition::default()
        };
        let raised = simulate(false, vec![wider]).await;
        assert_eq!(words(&raised), ["allow", "allow", "settled", "settled", "not_found"]);
        assert_eq!(world.account(user.clone()).await, (70, 7), "nothing was written");
    }
}
