use super::*;
use crate::policy::Policy;
use crate::pricing::{Prices, Tokens};

fn book(limit: i64, spent: i64, strict: bool) -> Book {
    let scope = Scope { kind: "user".to_owned(), key: "u".to_owned() };
    let policy = Policy { strict_projection: strict, ..Policy::built_in() };
    let definition = Definition {
        scope: scope.clone(),
        limit_micros: limit,
        period: "none".to_owned(),
        policy,
        version: 1,
    };
    Book {
        scope,
        definition: Some(definition.into()),
        period_id: "none".to_owned(),
        end_ms: None,
        spent_micros: spent,
        reserved_micros: 0,
    }
}

/// With an explicit estimate the amount stays whatever the model.
fn explicit(estimate: i64) -> impl Fn(&str) -> Option<Quote> {
    move |model| {
        let rank = Prices::default().find(model, "", 0)?.rank();
        Some(Quote { estimate_micros: estimate, rank })
    }
}

fn rule(estimate: i64, model: &str, tools: &[&str], strict: bool) -> Ruling {
    let ask = Ask {
        model: model.to_owned(),
        tools: tools.iter().map(|&tool| tool.to_owned()).collect(),
        estimate_micros: Some(estimate),
    };
    decide(&ask, &[book(10_000_000, 7_900_000, strict)], explicit(estimate))
}

#[test]
fn the_golden_table_of_admission_holds() {
    let premium = ["web-search-premium", "faq"];
    let allow = rule(50_000, "gpt-4o", &[], false);
    assert_eq!((allow.action.as_ref(), allow.reserved_micros), ("allow", 50_000));
    let degrade = rule(100_000, "gpt-4o", &premium, false);
    assert_eq!((degrade.action.as_ref(), degrade.model.as_str()), ("degrade", "gpt-4o-mini"));
    assert_eq!(degrade.disabled_tools, ["web-search-premium"]);
    assert!(degrade.warning.starts_with("Soft cap reached (80.0% spent)"), "{}", degrade.warning);
    let tools = rule(100_000, "gpt-4o-mini", &premium, false);
    assert_eq!((tools.action.as_ref(), tools.model.as_str()), ("disable-tools", "gpt-4o-mini"));
    let warn = rule(100_000, "gpt-4o-mini", &["faq"], false);
    assert_eq!((warn.action.as_ref(), warn.disabled_tools.len()), ("warn", 0));
    let last = rule(2_100_000, "gpt-4o-mini", &[], false);
    assert_eq!((last.action.as_ref(), last.reserved_micros), ("warn", 2_100_000));
    assert_eq!(rule(2_100_000, "gpt-4o-mini", &[], true).action, "hard-stop");
    let stop = rule(2_100_001, "gpt-4o-mini", &[], false);
    assert_eq!(
        (stop.action.as_ref(), stop.reserved_micros, stop.reason.as_ref()),
        ("hard-stop", 0, "Hard cap exceeded")
    );
    assert_eq!(stop.disabled_tools, ["web-search-premium"], "the whole lists");
}

#[test]
fn a_downgrade_is_estimated_again_and_may_fit_where_the_wanted_model_does_not() {
    let tokens = Tokens { input: 1_000, output: 1_000, ..Tokens::default() };
    let quote = |model: &str| {
        let prices = Prices::default();
        let price = prices.find(model, "", 0)?;
        Some(Quote { estimate_micros: price.cost_micros(tokens), rank: price.rank() })
    };
    let wanted = quote("gpt-4o").unwrap().estimate_micros;
    assert_eq!(wanted, 12_500);
    let ask = Ask { model: "gpt-4o".to_owned(), tools: Vec::new(), estimate_micros: Some(wanted) };
    let ruling = decide(&ask, &[book(10_000_000, 9_990_000, false)], quote);
    assert_eq!(
        (ruling.action.as_ref(), ruling.model.as_str(), ruling.reserved_micros),
        ("degrade", "gpt-4o-mini", 750)
    );
}

#[test]
fn any_scope_that_denies_denies_all_and_is_named() {
    let ask = Ask { estimate_micros: Some(50_000), ..Ask::default() };
    let free = Book { definition: None, ..book(1, 0, false) };
    let books = [book(10_000_000, 0, false), book(100_000, 60_000, false), free];
    let ruling = decide(&ask, &books, explicit(50_000));
    assert_eq!((ruling.action.as_ref(), ruling.denies), ("hard-stop", vec![false, true, false]));
}

#[test]
fn a_circle_of_downgrades_ends() {
    let mut circle = book(100, 90, false);
    let policy = &mut Arc::make_mut(circle.definition.as_mut().unwrap()).policy;
    policy.auto_downgrade =
        vec![crate::policy::Downgrade { from: vec!["*".to_owned()], to: "gpt-4o-mini".to_owned() }];
    let ask = Ask { model: "gpt-4o-mini".to_owned(), estimate_micros: Some(1), ..Ask::default() };
    assert_eq!(decide(&ask, &[circle], explicit(1)).action, "warn");
}
