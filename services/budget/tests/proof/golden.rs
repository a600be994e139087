//! The golden tables and the rules of admission, through the RPCs on each engine.

use proto::v1::{Decision, ReserveRequest, SettleRequest};

use crate::till::{Till, built_in, plain, scope};

/// A customer who has spent so much of 10 USD.
async fn spent(till: &Till, user: &str, micros: i64) {
    till.put(scope("user", user), 10_000_000, built_in()).await.unwrap();
    let bill = SettleRequest {
        unreserved: true,
        scopes: vec![scope("user", user)],
        ..till.bill(&format!("before-{user}"), Some(micros))
    };
    assert_eq!(till.settle(bill).await.unwrap().state, "settled");
}

fn told(decision: &Decision) -> (&str, &str, Vec<&str>, i64, i64) {
    let seat = &decision.scopes[0];
    let tools = decision.disabled_tools.iter().map(String::as_str).collect();
    let (after, reserved) = (seat.remaining_after_micros, decision.reserved_micros);
    (&decision.action, &decision.model, tools, after, reserved)
}

#[tokio::test]
async fn the_golden_table_of_admission_holds() {
    const PREMIUM: &[&str] = &["web-search-premium", "faq"];
    const OFF: &[&str] = &["web-search-premium"];
    type Row = (
        i64,
        &'static str,
        &'static [&'static str],
        &'static str,
        &'static str,
        &'static [&'static str],
        i64,
    );
    let rows: [Row; 5] = [
        (50_000, "gpt-4o", &[], "allow", "gpt-4o", &[], 2_050_000),
        (100_000, "gpt-4o", PREMIUM, "degrade", "gpt-4o-mini", OFF, 2_000_000),
        (100_000, "gpt-4o-mini", PREMIUM, "disable-tools", "gpt-4o-mini", OFF, 2_000_000),
        (100_000, "gpt-4o-mini", &["faq"], "warn", "gpt-4o-mini", &[], 2_000_000),
        (2_100_000, "gpt-4o-mini", &[], "warn", "gpt-4o-mini", &[], 0),
    ];
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        for (row, (micros, model, tools, action, chosen, disabled, after)) in
            rows.into_iter().enumerate()
        {
            let user = format!("row{row}");
            spent(&till, &user, 7_900_000).await;
            let ask = ReserveRequest {
                model: model.to_owned(),
                tools: tools.iter().map(|&tool| tool.to_owned()).collect(),
                ..till.ask(&user, &[scope("user", &user)], micros)
            };
            let check = till.check(ask.clone()).await.unwrap();
            assert_eq!(till.account(scope("user", &user)).await, (7_900_000, 0), "a look is free");
            let decision = till.reserve(ask).await.unwrap();
            assert_eq!(check, decision, "a check says what a reserve would");
            assert_eq!(told(&decision), (action, chosen, disabled.to_vec(), after, micros));
            let seat = &decision.scopes[0];
            assert_eq!((seat.spent_micros, seat.remaining_micros), (7_900_000, 2_100_000));
            assert_eq!(decision.warning.is_empty(), action == "allow", "{}", decision.warning);
            assert_eq!(till.account(scope("user", &user)).await, (7_900_000, micros));
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_all_its_numbers() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        spent(&till, "u", 7_900_000).await;
        let user = [scope("user", "u")];
        let ask = ReserveRequest {
            model: "gpt-4o-mini".to_owned(),
            ..till.ask("over", &user, 2_100_001)
        };
        let stop = till.reserve(ask).await.unwrap();
        assert_eq!((stop.allowed, stop.action.as_str()), (false, "hard-stop"));
        assert_eq!((stop.reason.as_str(), stop.reserved_micros), ("Hard cap exceeded", 0));
        assert_eq!(stop.disabled_tools, ["web-search-premium"], "the whole lists");
        assert_eq!((stop.estimate_micros, stop.reset_at_ms), (2_100_001, None));
        let seat = &stop.scopes[0];
        assert_eq!((seat.denies, seat.limit_micros), (true, 10_000_000));
        assert_eq!((seat.remaining_micros, seat.remaining_after_micros), (2_100_000, 2_100_000));

        let mut strict = built_in();
        strict.strict_projection = true;
        till.put(user[0].clone(), 10_000_000, strict).await.unwrap();
        let last = |micros| ReserveRequest {
            model: "gpt-4o-mini".to_owned(),
            ..till.ask("strict", &user, micros)
        };
        assert_eq!(till.check(last(2_100_000)).await.unwrap().action, "hard-stop");
        assert_eq!(till.check(last(2_099_999)).await.unwrap().action, "warn");
    }
}

#[tokio::test]
async fn a_cheaper_model_is_estimated_again() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        spent(&till, "u", 9_990_000).await;
        let ask = ReserveRequest {
            model: "gpt-4o".to_owned(),
            input_tokens: 1_000,
            max_output_tokens: Some(1_000),
            estimate_micros: None,
            ..till.ask("c", &[scope("user", "u")], 0)
        };
        let decision = till.reserve(ask).await.unwrap();
        let (action, model, _, after, reserved) = told(&decision);
        assert_eq!((action, model, reserved, after), ("degrade", "gpt-4o-mini", 750, 9_250));
    }
}

#[tokio::test]
async fn the_state_of_an_account_depends_on_what_was_spent_alone() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let state =
            async |user: &str| till.view(scope("user", user)).await.unwrap().account.unwrap().state;
        for (micros, expected) in [
            (7_999_999, "active"),
            (8_000_000, "degraded"),
            (9_999_999, "degraded"),
            (10_000_000, "stopped"),
        ] {
            let user = format!("u{micros}");
            spent(&till, &user, micros).await;
            assert_eq!(state(&user).await, expected, "{micros}");
        }
        spent(&till, "plain", 8_000_000).await;
        till.put(scope("user", "plain"), 10_000_000, plain()).await.unwrap();
        assert_eq!(state("plain").await, "warned", "nothing to switch down");
        spent(&till, "held", 0).await;
        till.reserve(till.ask("held", &[scope("user", "held")], 9_000_000)).await.unwrap();
        assert_eq!(state("held").await, "active", "what is only held does not count");
    }
}

#[tokio::test]
async fn a_denial_by_one_scope_holds_nothing_in_any_and_names_the_latest_end() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let periods = [("org", "mesh", "hourly"), ("user", "u", "monthly"), ("agent", "a", "none")];
        for (kind, key, period) in periods {
            let definition = proto::v1::BudgetDefinition {
                scope: Some(scope(kind, key)),
                limit_micros: if kind == "agent" { 1_000 } else { 100 },
                period: period.to_owned(),
                policy: Some(plain()),
                ..proto::v1::BudgetDefinition::default()
            };
            let request = proto::v1::PutBudgetRequest {
                context: till.context(),
                definition: Some(definition),
                create_only: true,
            };
            till.client.clone().put_budget(request).await.unwrap();
        }
        let scopes = periods.map(|(kind, key, _)| scope(kind, key));
        let denied = till.reserve(till.ask("c", &scopes, 200)).await.unwrap();
        assert!(!denied.allowed);
        let denies: Vec<_> = denied.scopes.iter().map(|seat| seat.denies).collect();
        assert_eq!(denies, [true, true, false]);
        let ends: Vec<_> = denied.scopes.iter().map(|seat| seat.reset_at_ms).collect();
        assert!(ends[0] <= ends[1], "a month ends no sooner than an hour: {ends:?}");
        assert_eq!((denied.reset_at_ms, ends[2]), (ends[1], None));
        for scope in scopes {
            assert_eq!(till.account(scope).await, (0, 0));
        }
    }
}

#[tokio::test]
async fn a_definition_of_its_own_wins_and_tenants_are_apart() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let other = till.of(&format!("{}-other", till.tenant));
        assert!(till.put(scope("user", "*"), 100, plain()).await.unwrap());
        assert!(till.put(scope("user", "rich"), 900, plain()).await.unwrap());
        assert!(!till.put(scope("user", "rich"), 1_000, plain()).await.unwrap(), "not new");
        assert_eq!(till.view(scope("user", "rich")).await.unwrap().definition.unwrap().version, 2);
        let ask = async |till: &Till, key: &str, kind: &str| {
            till.check(till.ask("c", &[scope(kind, key)], 500)).await.unwrap()
        };
        assert!(ask(&till, "rich", "user").await.allowed);
        assert!(!ask(&till, "poor", "user").await.allowed);
        let free = ask(&till, "poor", "agent").await;
        assert!(free.allowed && free.scopes.is_empty(), "there is no fall-through to another type");
        assert!(ask(&other, "poor", "user").await.allowed, "limits of one tenant bind no other");
        assert_eq!(other.view(scope("user", "rich")).await.unwrap_err(), "budget_not_found");

        let same = |till: &Till| till.ask("same", &[scope("user", "rich")], 7);
        other.put(scope("user", "rich"), 900, plain()).await.unwrap();
        till.reserve(same(&till)).await.unwrap();
        assert_eq!(other.account(scope("user", "rich")).await, (0, 0));
        let bill = other.bill("same", Some(1));
        assert_eq!(other.settle(bill).await.unwrap_err(), "not_found", "charges are apart too");
        till.delete(scope("user", "rich")).await.unwrap();
        assert_eq!(till.delete(scope("user", "rich")).await.unwrap_err(), "budget_not_found");
        assert!(!ask(&till, "rich", "user").await.allowed, "back under the limit of its type");
    }
}

#[tokio::test]
async fn a_reservation_settles_in_the_period_in_which_it_was_made() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let user = scope("user", "u");
        till.put(user.clone(), 1_000, plain()).await.unwrap();
        let before = till.reserve(till.ask("c", std::slice::from_ref(&user), 600)).await.unwrap();
        let reset = till.reset(user.clone()).await.unwrap();
        assert_ne!(before.scopes[0].period_id, reset.period_id);
        till.settle(till.bill("c", Some(700))).await.unwrap();
        assert_eq!(till.account(user.clone()).await, (0, 0), "the new period is untouched");
        let entries = till.ledger(10).await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].period_id, before.scopes[0].period_id);
        assert_eq!((entries[0].amount_micros, entries[0].estimated), (700, false));
    }
}

#[tokio::test]
async fn thresholds_downgrades_and_tools_are_told_once() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let user = scope("user", "u");
        let policy = proto::v1::BudgetPolicy { notify_at: vec![0.5, 0.9], ..built_in() };
        till.put(user.clone(), 1_000, policy).await.unwrap();
        for call in 0..4 {
            let id = format!("c{call}");
            let ask = ReserveRequest {
                model: "gpt-4o".to_owned(),
                tools: vec!["*".to_owned()],
                ..till.ask(&id, std::slice::from_ref(&user), 240)
            };
            assert!(till.reserve(ask).await.unwrap().allowed);
            till.settle(till.bill(&id, Some(240))).await.unwrap();
        }
        let told = till.told().await;
        let of = |kind: &str| -> Vec<&serde_json::Value> {
            told.iter().filter(|(told, _)| told == kind).map(|(_, payload)| payload).collect()
        };
        assert_eq!(of("threshold-breach").len(), 3, "0.5, 0.8 and 0.9: {told:?}");
        assert_eq!(of("state-change").len(), 1, "to degraded, at 960: {told:?}");
        assert_eq!(of("hard-stop").len(), 0, "{told:?}");
        let downgrades = of("model-downgrade");
        assert_eq!(downgrades.len(), 1, "the third call and the fourth are one: {told:?}");
        assert_eq!(downgrades[0]["to"], "gpt-4o-mini");
        assert_eq!(of("tools-disabled").len(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_changes_nothing() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let user = [scope("user", "u")];
        let asks = [
            till.ask("c", &[scope("team", "u")], 1),
            till.ask("c", &[scope("user", "")], 1),
            till.ask("c", &[], 1),
            till.ask("", &user, 1),
            till.ask("c", &user, -1),
            ReserveRequest { input_tokens: -1, ..till.ask("c", &user, 1) },
        ];
        for ask in asks {
            assert_eq!(till.reserve(ask.clone()).await.unwrap_err(), "invalid_request", "{ask:?}");
        }
        let mut upside_down = plain();
        (upside_down.soft_cap, upside_down.hard_cap) = (0.9, 0.8);
        for (limit, policy) in [(0, plain()), (-5, plain()), (100, upside_down)] {
            let refused = till.put(user[0].clone(), limit, policy).await;
            assert_eq!(refused.unwrap_err(), "invalid_request");
        }
        till.put(user[0].clone(), 100, plain()).await.unwrap();
        let twice = [user[0].clone(), user[0].clone()];
        till.reserve(till.ask("twice", &twice, 10)).await.unwrap();
        assert_eq!(till.account(user[0].clone()).await, (0, 10), "a scope is charged once");
    }
}
