//! What happens at the edges of the contract: odd amounts, names, orders of calls and prices.

use proto::v1::{BudgetPolicy, DowngradeRule, ReserveRequest, SettleRequest, Usage};

use crate::till::{Till, built_in, plain, scope};

#[tokio::test]
async fn a_watcher_hears_of_its_own_tenant_alone() {
    let till = Till::open(&chassis::testing::sqlite().await, &[]).await;
    let other = till.of("other-tenant");
    for till in [&other, &till] {
        till.put(scope("user", "u"), 100, plain()).await.unwrap();
        till.reset(scope("user", "u")).await.unwrap();
    }
    let request = proto::v1::WatchEventsRequest { context: till.context(), after_id: -1 };
    let mut stream = till.client.clone().watch_events(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().tenant, till.tenant);
}

#[tokio::test]
async fn a_reserve_after_an_unreserved_settle_holds_nothing() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let user = scope("user", "u");
        till.put(user.clone(), 1_000, plain()).await.unwrap();
        let bill = SettleRequest {
            unreserved: true,
            scopes: vec![user.clone()],
            ..till.bill("late", Some(10))
        };
        till.settle(bill.clone()).await.unwrap();
        let _ = till.reserve(till.ask("late", std::slice::from_ref(&user), 500)).await;
        assert_eq!(till.settle(bill).await.map(|settled| settled.actual_micros), Ok(10));
        assert_eq!(till.account(user).await, (10, 0));
    }
}

#[tokio::test]
async fn amounts_beyond_reason_do_not_end_the_writer() {
    let till = Till::open(&chassis::testing::sqlite().await, &[]).await;
    for id in ["one", "two"] {
        let _ = till.reserve(till.ask(id, &[scope("org", "mesh")], i64::MAX)).await;
    }
    let decision = till.reserve(till.ask("three", &[scope("org", "other")], 1)).await;
    assert!(decision.is_ok_and(|decision| decision.allowed), "the writer is gone");
}

#[tokio::test]
async fn a_name_with_a_control_character_is_refused_alone() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let user = [scope("user", "u")];
        let said = till.reserve(till.ask("a\0b", &user, 1)).await.map(|said| said.allowed);
        assert_eq!(said, Err("invalid_request".to_owned()), "{:?}", database.engine);
    }
}

#[tokio::test]
async fn an_unknown_model_settles_at_the_default_price() {
    let settings = [("BUDGET_UNKNOWN_PRICE", "default_price")];
    let till = Till::open(&chassis::testing::sqlite().await, &settings).await;
    till.reserve(till.ask("c", &[scope("user", "u")], 70_000)).await.unwrap();
    let usage = Usage {
        model: "nobody-knows".to_owned(),
        input_tokens: 1_000,
        output_tokens: 1_000,
        ..Usage::default()
    };
    let bill = SettleRequest { usage: Some(usage), ..till.bill("c", None) };
    assert_eq!(till.settle(bill).await.unwrap().actual_micros, 50_000);
}

#[tokio::test]
async fn a_settle_tells_of_an_unknown_model() {
    let till = Till::open(&chassis::testing::sqlite().await, &[]).await;
    let user = scope("user", "u");
    till.put(user.clone(), 10_000_000, plain()).await.unwrap();
    till.reserve(till.ask("c", &[user], 70_000)).await.unwrap();
    let usage = Usage { model: "nobody-knows".to_owned(), input_tokens: 10, ..Usage::default() };
    till.settle(SettleRequest { usage: Some(usage), ..till.bill("c", None) }).await.unwrap();
    let told = till.told().await;
    assert!(told.iter().any(|(kind, _)| kind == "unknown-model"), "{told:?}");
}

#[tokio::test]
async fn a_step_that_costs_this_call_more_is_not_cheaper() {
    let path = chassis::testing::folder().join("prices.yaml");
    let text = "prices:\n\
        - {provider: p, model: writer, input: 1, output: 20}\n\
        - {provider: p, model: reader, input: 10, output: 5}\n";
    std::fs::write(&path, text).unwrap();
    let settings = [("PRICING_FILE", path.to_str().unwrap())];
    let till = Till::open(&chassis::testing::sqlite().await, &settings).await;
    let rule = DowngradeRule { from: vec!["writer".to_owned()], to: "reader".to_owned() };
    let policy = BudgetPolicy { soft_cap: 0.0, auto_downgrade: vec![rule], ..plain() };
    till.put(scope("user", "u"), 10_000_000, policy).await.unwrap();
    let ask = ReserveRequest {
        model: "writer".to_owned(),
        input_tokens: 1_000,
        max_output_tokens: Some(0),
        estimate_micros: None,
        ..till.ask("c", &[scope("user", "u")], 0)
    };
    let decision = till.reserve(ask).await.unwrap();
    assert_eq!((decision.action.as_str(), decision.reserved_micros), ("warn", 1_000));
}

#[tokio::test]
async fn a_denial_lists_the_tools_of_all_pressed_scopes() {
    let till = Till::open(&chassis::testing::sqlite().await, &[]).await;
    let tool = |name: &str| BudgetPolicy { disable_tools: vec![name.to_owned()], ..built_in() };
    till.put(scope("user", "u"), 100, tool("of-user")).await.unwrap();
    // Pressed by the 12 500 of gpt-4o, not by the 750 of gpt-4o-mini.
    till.put(scope("org", "mesh"), 15_000, tool("of-org")).await.unwrap();
    let ask = ReserveRequest {
        model: "gpt-4o".to_owned(),
        input_tokens: 1_000,
        max_output_tokens: Some(1_000),
        estimate_micros: None,
        ..till.ask("c", &[scope("org", "mesh"), scope("user", "u")], 0)
    };
    let denied = till.reserve(ask).await.unwrap();
    assert_eq!((denied.allowed, denied.disabled_tools.len()), (false, 2), "{denied:?}");
}

#[tokio::test]
async fn an_actual_above_the_highest_is_refused_whatever_was_reserved() {
    let settings = [("BUDGET_MAX_ACTUAL_USD", "1")];
    let till = Till::open(&chassis::testing::sqlite().await, &settings).await;
    till.reserve(till.ask("c", &[scope("user", "u")], 3_000_000)).await.unwrap();
    let said = till.settle(till.bill("c", Some(2_000_000))).await.map(|said| said.actual_micros);
    assert_eq!(said, Err("invalid_request".to_owned()));
}
