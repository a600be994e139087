use chassis::fault::Fault;
use proto::v1::{
    ListLedgerRequest, ReleaseRequest, ReportRequest, ResetBudgetRequest, SettleRequest, Usage,
};

use crate::world::{World, context, plain, scope};

#[tokio::test]
async fn two_hundred_parallel_reservations_get_exactly_what_the_limit_holds() {
    for database in chassis::testing::databases().await {
        let first = World::open(&database, &[]).await;
        let second = World::open(&database, &[]).await;
        first.limit(scope("org", "mesh"), 1_000_000, plain()).await;
        let calls = (0..200).map(|call| {
            let world = if call % 2 == 0 { first.clone() } else { second.clone() };
            async move {
                let scopes = [scope("org", "mesh"), scope("user", &format!("u{call}"))];
                world.reserve(&format!("c{call}"), &scopes, 50_000).await.allowed
            }
        });
        let allowed =
            futures::future::join_all(calls).await.into_iter().filter(|allowed| *allowed).count();
        assert_eq!(allowed, 20, "{:?}", database.engine);
        assert_eq!(first.account(scope("org", "mesh")).await, (0, 1_000_000));
    }
}

#[tokio::test]
async fn a_charge_is_counted_once_however_often_it_is_told() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        let user = scope("user", "u");
        let scopes = [user.clone(), scope("agent", "a")];
        let first = world.reserve("c", &scopes, 50_000).await;
        assert_eq!(
            first,
            world.reserve("c", &scopes, 70_000).await,
            "the first answer is repeated"
        );
        assert_eq!(world.account(user.clone()).await, (0, 50_000));
        assert_eq!(world.settle("c", 60_000).await, "settled");
        assert_eq!(world.settle("c", 10_000).await, "settled");
        assert_eq!(
            world.account(user.clone()).await,
            (60_000, 0),
            "more than was held is recorded"
        );
        let release = ReleaseRequest { context: context(), charge_id: "c".to_owned() };
        let released = world.budget.clone().release(release).await.unwrap().into_inner();
        assert_eq!(released.state, "settled", "a release after a settle changes nothing");
        let request = ListLedgerRequest { context: context(), ..Default::default() };
        let ledger = world.budget.clone().list_ledger(request).await.unwrap().into_inner();
        assert_eq!(ledger.entries.len(), 2, "one row a scope: {ledger:?}");
    }
}

#[tokio::test]
async fn a_released_charge_is_free_and_a_late_one_still_counts() {
    for database in chassis::testing::databases().await {
        let settings = [("BUDGET_RESERVATION_TTL_MS", "1000"), ("BUDGET_SWEEP_INTERVAL_MS", "100")];
        let world = World::open(&database, &settings).await;
        let user = scope("user", "u");
        world.reserve("gone", std::slice::from_ref(&user), 50_000).await;
        let release = ReleaseRequest { context: context(), charge_id: "gone".to_owned() };
        world.budget.clone().release(release).await.unwrap();
        assert_eq!(world.account(user.clone()).await, (0, 0));
        assert_eq!(
            world.settle("gone", 10).await,
            "released",
            "a settle after a release changes nothing"
        );
        world.reserve("late", std::slice::from_ref(&user), 50_000).await;
        while world.account(user.clone()).await != (0, 0) {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.settle("late", 70_000).await, "settled");
        assert_eq!(world.account(user.clone()).await, (70_000, 0));
    }
}

#[tokio::test]
async fn usage_is_priced_and_what_cannot_be_right_is_refused() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        let user = scope("user", "u");
        world.reserve("c", std::slice::from_ref(&user), 50_000).await;
        let settle = |amount, usage| SettleRequest {
            context: context(),
            charge_id: "c".to_owned(),
            actual_micros: amount,
            usage,
            ..Default::default()
        };
        for amount in [-1, 100_000_001] {
            let refused =
                world.budget.clone().settle(settle(Some(amount), None)).await.unwrap_err();
            assert_eq!(Fault::of(&refused).code, "invalid_request");
        }
        let usage = Usage {
            model: "gpt-4o-mini".to_owned(),
            input_tokens: 1_200,
            output_tokens: 300,
            ..Default::default()
        };
        let settled =
            world.budget.clone().settle(settle(None, Some(usage))).await.unwrap().into_inner();
        assert_eq!(settled.actual_micros, 360);
        assert_eq!(settled.scopes[0].spent_micros, 360);
        let unknown = SettleRequest { charge_id: "never".to_owned(), ..settle(Some(1), None) };
        let refused = world.budget.clone().settle(unknown.clone()).await.unwrap_err();
        assert_eq!(Fault::of(&refused).code, "not_found");
        let unreserved = SettleRequest { unreserved: true, scopes: vec![user.clone()], ..unknown };
        world.budget.clone().settle(unreserved).await.unwrap();
        assert_eq!(world.account(user).await, (361, 0));
    }
}

#[tokio::test]
async fn a_reset_opens_a_new_period_and_the_old_one_is_still_reported() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        let user = scope("user", "u");
        world.limit(user.clone(), 100_000, plain()).await;
        world.reserve("a", std::slice::from_ref(&user), 100_000).await;
        world.settle("a", 100_000).await;
        let denied = world.reserve("b", std::slice::from_ref(&user), 1).await;
        assert_eq!((denied.allowed, denied.action.as_str()), (false, "hard-stop"));
        let request = ResetBudgetRequest { context: context(), scope: Some(user.clone()) };
        let reset = world.budget.clone().reset_budget(request).await.unwrap().into_inner();
        assert_eq!(reset.previous_spent_micros, 100_000);
        assert!(world.reserve("b", std::slice::from_ref(&user), 1).await.allowed);
        assert_eq!(world.account(user.clone()).await, (0, 1));
        let report =
            ReportRequest { context: context(), group_by: "user".to_owned(), ..Default::default() };
        let report = world.budget.clone().report(report).await.unwrap().into_inner();
        assert_eq!((report.rows[0].group.as_str(), report.rows[0].spent_micros), ("u", 100_000));
    }
}

#[tokio::test]
async fn events_are_told_once_a_period_and_value() {
    for database in chassis::testing::databases().await {
        let world = World::open(&database, &[]).await;
        let user = scope("user", "golden");
        for call in 0..20 {
            let charge = format!("c{call}");
            assert!(world.reserve(&charge, std::slice::from_ref(&user), 500_000).await.allowed);
            world.settle(&charge, 500_000).await;
        }
        for call in 20..23 {
            assert!(
                !world.reserve(&format!("c{call}"), std::slice::from_ref(&user), 1).await.allowed
            );
        }
        let mut client = world.budget.clone();
        let request = proto::v1::WatchEventsRequest { context: context(), after_id: -1 };
        let mut stream = client.watch_events(request).await.unwrap().into_inner();
        let mut told = Vec::new();
        while told.len() < 5 {
            let event = stream.message().await.unwrap().unwrap();
            told.push(format!("{} {}", event.r#type, event.payload_json));
        }
        let count = |word: &str| told.iter().filter(|text| text.starts_with(word)).count();
        assert_eq!(
            (count("state-change"), count("threshold-breach"), count("hard-stop")),
            (2, 2, 1),
            "{told:#?}"
        );
        assert!(told[0].contains(r#""to":"degraded""#), "{told:#?}");
    }
}
