//! Estimates, prices and reports, through the RPCs.

use proto::v1::{
    EstimateCostRequest, EstimateCostResponse, ReportRequest, ReportResponse, ReserveRequest,
    SettleRequest, Usage,
};

use crate::till::{Till, plain, scope};

async fn estimate(
    till: &Till,
    model: &str,
    input: i64,
    output: Option<i64>,
) -> EstimateCostResponse {
    let request = EstimateCostRequest {
        context: till.context(),
        model: model.to_owned(),
        input_tokens: input,
        max_output_tokens: output,
        ..EstimateCostRequest::default()
    };
    till.client.clone().estimate_cost(request).await.unwrap().into_inner()
}

async fn report(till: &Till, group_by: &str, kind: &str, key: &str) -> ReportResponse {
    let request = ReportRequest {
        context: till.context(),
        scope: Some(scope(kind, key)),
        group_by: group_by.to_owned(),
        ..ReportRequest::default()
    };
    till.client.clone().report(request).await.unwrap().into_inner()
}

/// A call of a customer through an agent that has happened already.
fn call(till: &Till, id: &str, who: (&str, &str), micros: i64) -> SettleRequest {
    let (user, agent) = who;
    SettleRequest {
        unreserved: true,
        scopes: vec![scope("org", "mesh"), scope("user", user), scope("agent", agent)],
        agent_id: agent.to_owned(),
        ..till.bill(id, Some(micros))
    }
}

#[tokio::test]
async fn the_golden_estimates_hold() {
    let database = chassis::testing::sqlite().await;
    let till = Till::open(&database, &[]).await;
    for (model, input, output, micros) in [
        ("gpt-4o-mini", 1_000, None, 450),
        ("claude-sonnet-4", 1_000, None, 10_500),
        ("claude-sonnet-4", 500, Some(200), 4_500),
        ("gpt-4o-mini", 1_200, Some(300), 360),
        ("gpt-4o-mini", 1, Some(0), 1),
    ] {
        let answer = estimate(&till, model, input, output).await;
        assert_eq!((answer.estimate_micros, answer.known_model), (micros, true), "{model}");
    }
    let request = EstimateCostRequest {
        context: till.context(),
        model: "gpt-4o-mini".to_owned(),
        text: "x".repeat(100),
        per_call_micros: Some(7),
        ..EstimateCostRequest::default()
    };
    let answer = till.client.clone().estimate_cost(request).await.unwrap().into_inner();
    assert_eq!((answer.input_tokens, answer.output_tokens), (25, 13), "half of it, rounded up");
    assert_eq!(
        answer.estimate_micros,
        7 + 12,
        "3.75 for reading and 7.8 for writing, rounded once"
    );
}

#[tokio::test]
async fn models_without_a_price_cost_what_the_setting_says() {
    let database = chassis::testing::sqlite().await;
    for (setting, expected) in
        [("max_known_price", Some(105_000)), ("default_price", Some(50_000)), ("deny", None)]
    {
        let till = Till::open(&database, &[("BUDGET_UNKNOWN_PRICE", setting)]).await;
        let user = scope("user", "u");
        till.put(user.clone(), 10_000_000, plain()).await.unwrap();
        let ask = ReserveRequest {
            model: "nobody-knows".to_owned(),
            input_tokens: 1_000,
            max_output_tokens: Some(1_000),
            estimate_micros: None,
            ..till.ask("c", std::slice::from_ref(&user), 0)
        };
        let decision = till.reserve(ask).await.unwrap();
        assert_eq!(decision.allowed.then_some(decision.reserved_micros), expected, "{setting}");
        if expected.is_none() {
            assert_eq!(decision.reason, "Unknown model");
            assert_eq!(till.account(user).await, (0, 0));
        }
        let told = till.told().await;
        assert!(told.iter().any(|(kind, _)| kind == "unknown-model"), "{setting}: {told:?}");
        till.life.close();
    }
}

#[tokio::test]
async fn a_reply_costs_what_it_says_or_what_its_tokens_cost_or_what_was_held() {
    let usage = |cost_micros| Usage {
        model: "gpt-4o-mini".to_owned(),
        input_tokens: 1_200,
        output_tokens: 300,
        cost_micros,
        ..Usage::default()
    };
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        let cases = [(Some(usage(Some(99))), 99), (Some(usage(None)), 360 + 5), (None, 50_000)];
        for (case, (usage, micros)) in cases.into_iter().enumerate() {
            let id = format!("c{case}");
            let ask = ReserveRequest {
                per_call_micros: Some(5),
                ..till.ask(&id, &[scope("user", "u")], 50_000)
            };
            till.reserve(ask).await.unwrap();
            let settled = till.settle(SettleRequest { usage, ..till.bill(&id, None) }).await;
            assert_eq!(settled.unwrap().actual_micros, micros, "case {case}");
        }
    }
}

#[tokio::test]
async fn a_price_file_adds_replaces_and_names() {
    let database = chassis::testing::sqlite().await;
    let path = chassis::testing::folder().join("prices.yaml");
    let text = "prices:\n\
        - {provider: house, model: tiny, input: 0.5, output: 1.5}\n\
        - {provider: house, model: later, input: 9, output: 9, effective_from: \"2999-01-01T00:00:00Z\"}\n\
        aliases: {small: tiny}\n";
    std::fs::write(&path, text).unwrap();
    let till = Till::open(&database, &[("PRICING_FILE", path.to_str().unwrap())]).await;
    for (model, known, micros) in [
        ("tiny", true, 2_000),
        ("small", true, 2_000),
        ("later", false, 105_000),
        ("gpt-4o", true, 12_500),
    ] {
        let answer = estimate(&till, model, 1_000, Some(1_000)).await;
        assert_eq!((answer.known_model, answer.estimate_micros), (known, micros), "{model}");
    }
}

#[tokio::test]
async fn a_budget_file_defines_and_keeps_defining() {
    let database = chassis::testing::sqlite().await;
    let path = chassis::testing::folder().join("budgets.yaml");
    let settings = |path: &std::path::Path| [("BUDGETS_FILE", path.to_str().unwrap().to_owned())];
    std::fs::write(
        &path,
        "budgets:\n- {scope: \"org:mesh\", limit_usd: 12.345678, period: monthly}\n",
    )
    .unwrap();
    let pairs = settings(&path);
    let pairs = pairs.each_ref().map(|(name, value)| (*name, value.as_str()));
    let first = Till::open(&database, &pairs).await.of("default");
    let definition = first.view(scope("org", "mesh")).await.unwrap().definition.unwrap();
    assert_eq!((definition.limit_micros, definition.period.as_str()), (12_345_678, "monthly"));
    assert_eq!(
        first.view(scope("user", "u")).await.unwrap_err(),
        "budget_not_found",
        "no built-in"
    );
    let again = Till::open(&database, &pairs).await.of("default");
    let definition = again.view(scope("org", "mesh")).await.unwrap().definition.unwrap();
    assert_eq!(definition.version, 1, "what is the same is not changed");
}

#[tokio::test]
async fn the_golden_rate_projection_and_spike_hold() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        for id in 0..6 {
            let id = format!("rate{id}");
            till.settle(call(&till, &id, ("rate", "a"), 500_000)).await.unwrap();
        }
        let rate = report(&till, "scope", "user", "rate").await.scopes.remove(0);
        assert!((rate.rate_micros - 600_000.0).abs() < 1e-6, "{rate:?}");
        assert_eq!((rate.spent_micros, rate.projection_micros), (3_000_000, 39_000_000));
        for (user, last, is_spike) in [("wild", 5_000_000, true), ("calm", 110_000, false)] {
            for id in 0..19 {
                let id = format!("{user}{id:02}");
                till.settle(call(&till, &id, (user, "a"), 100_000)).await.unwrap();
            }
            till.settle(call(&till, &format!("{user}last"), (user, "a"), last)).await.unwrap();
            let rate = report(&till, "scope", "user", user).await.scopes.remove(0);
            assert_eq!(rate.spike, is_spike, "{user}");
        }
    }
}

#[tokio::test]
async fn a_report_counts_each_charge_once_and_tells_what_was_guessed() {
    for database in chassis::testing::databases().await {
        let till = Till::open(&database, &[]).await;
        till.settle(call(&till, "1", ("u", "sales"), 300)).await.unwrap();
        let guessed = SettleRequest { estimated: true, ..call(&till, "2", ("u", "sales"), 100) };
        till.settle(guessed).await.unwrap();
        till.settle(call(&till, "3", ("v", "support"), 50)).await.unwrap();
        let rows = report(&till, "agent", "", "").await.rows;
        let agents: Vec<_> =
            rows.iter().map(|row| (row.group.as_str(), row.spent_micros, row.calls)).collect();
        assert_eq!(agents, [("sales", 400, 2), ("support", 50, 1)]);
        assert!((rows[0].estimated_share - 0.25).abs() < 1e-9, "{rows:?}");
        let rows = report(&till, "scope", "", "").await.rows;
        let org = rows.iter().find(|row| row.group == "org:mesh").unwrap();
        assert_eq!((rows.len(), org.spent_micros, org.calls), (5, 450, 3));
        let day = report(&till, "day", "user", "v").await.rows;
        assert_eq!((day.len(), day[0].spent_micros), (1, 50));
    }
}
