use super::*;
use crate::operation::samples::{self, rules, settle};
use crate::policy::{Policy, Scope};

fn user() -> Scope {
    Scope { kind: "user".to_owned(), key: "ann".to_owned() }
}

fn reserve(id: &str, micros: i64) -> Operation {
    samples::reserve(id, &[user()], micros)
}

fn limit(limit_micros: i64) -> Definition {
    let (period, policy) = ("none".to_owned(), Policy::default());
    Definition { scope: user(), limit_micros, period, policy, version: 1 }
}

fn is_allowed(outcome: &Outcome) -> bool {
    matches!(&outcome.answer, Ok(Answer::Verdict(verdict)) if verdict.ruling.is_allowed())
}

#[test]
fn a_hold_that_nobody_settles_is_free_again_when_its_time_is_over() {
    let rules = rules();
    let mut simulation = Simulation::new(Sheet::default(), &rules, 0);
    simulation.define("t", limit(100));
    let mut play = |after_ms, operation| simulation.play(&Step { after_ms, operation });
    assert!(is_allowed(&play(0, reserve("a", 80))));
    assert!(!is_allowed(&play(999, reserve("b", 80))), "the first hold still stands");
    assert!(is_allowed(&play(1, reserve("c", 80))), "the first hold is over");
    assert!(matches!(
        play(0, settle("a", 30)).answer,
        Ok(Answer::Settled { actual_micros: 30, .. })
    ));
    assert_eq!(play(0, settle("x", 1)).answer.unwrap_err(), Refusal::Unknown("x".to_owned()));
}

#[test]
fn each_step_tells_what_it_causes_and_an_empty_start_forgets_what_was() {
    let rules = rules();
    let mut simulation = Simulation::new(Sheet::default(), &rules, 0);
    simulation.define("t", limit(100));
    let mut play = |operation| simulation.play(&Step { after_ms: 0, operation });
    assert!(play(reserve("a", 100)).events.is_empty());
    let told: Vec<_> = play(settle("a", 100)).events.iter().map(|event| event.kind).collect();
    assert!(told.contains(&"state-change") && told.contains(&"hard-stop"), "{told:?}");
    assert!(!is_allowed(&play(reserve("b", 1))));
    simulation.empty();
    let again = simulation.play(&Step { after_ms: 0, operation: reserve("b", 100) });
    assert!(is_allowed(&again));
}
