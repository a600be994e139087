use proptest::prelude::*;

use super::{Action, Answer, Breaker, Event, Grant, Mode, Outcome, Phase, Policy, State};

pub(crate) mod deeds;
mod model;

const HOLD_MS: i64 = 10_000;

fn acquire(breaker: Breaker, policy: &Policy, now_ms: i64) -> (Breaker, Result<Grant, i64>) {
    match breaker.step(policy, Event::Acquire { hold_ms: HOLD_MS }, now_ms) {
        (breaker, Answer::Granted(grant)) => (breaker, Ok(grant)),
        (breaker, Answer::Refused { retry_after_ms }) => (breaker, Err(retry_after_ms)),
        (_, Answer::Noted) => panic!("an acquire is granted or refused"),
    }
}

fn granted(breaker: Breaker, policy: &Policy, now_ms: i64) -> (Breaker, Grant) {
    let (breaker, grant) = acquire(breaker, policy, now_ms);
    (breaker, grant.expect("the call may pass"))
}

fn report(
    breaker: Breaker,
    policy: &Policy,
    grant: Grant,
    outcome: Outcome,
    now_ms: i64,
) -> Breaker {
    breaker.step(policy, Event::Report { grant, outcome }, now_ms).0
}

/// One call that ends at once.
fn call(breaker: Breaker, policy: &Policy, outcome: Outcome, now_ms: i64) -> Breaker {
    let (breaker, grant) = granted(breaker, policy, now_ms);
    report(breaker, policy, grant, outcome, now_ms)
}

fn opened(policy: &Policy, now_ms: i64) -> Breaker {
    (0..5).fold(Breaker::default(), |breaker, _| call(breaker, policy, Outcome::Failure, now_ms))
}

fn half_open(policy: &Policy) -> (Breaker, Grant) {
    granted(opened(policy, 0), policy, 30_000)
}

#[test]
fn five_failures_in_a_row_open_it_and_a_success_between_starts_over() {
    let policy = Policy::default();
    let four =
        (0..4).fold(Breaker::default(), |breaker, _| call(breaker, &policy, Outcome::Failure, 0));
    assert_eq!(four.state(), State::Closed, "four are not enough");
    let forgiven = call(four.clone(), &policy, Outcome::Success, 0);
    assert_eq!(forgiven.failures, 0, "a success clears the count");
    let fifth = call(four, &policy, Outcome::Failure, 0);
    assert_eq!((fifth.state(), fifth.failures, fifth.last_failure_ms), (State::Open, 5, Some(0)));
}

#[test]
fn the_waits_after_failed_probes_are_the_golden_ones() {
    let policy = Policy::default();
    let mut breaker = opened(&policy, 0);
    let mut now_ms = 0;
    for wait_ms in [30_000, 60_000, 120_000, 240_000, 240_000] {
        let (refused, answer) = acquire(breaker, &policy, now_ms + wait_ms - 1);
        assert_eq!(answer, Err(1), "one millisecond before {wait_ms} is too soon");
        now_ms += wait_ms;
        breaker = call(refused, &policy, Outcome::Failure, now_ms);
        assert_eq!(breaker.state(), State::Open);
    }
}

#[test]
fn the_wait_does_not_grow_under_fifty_parallel_failures() {
    let policy = Policy::default();
    let mut breaker = Breaker::default();
    let mut grants = Vec::new();
    for _ in 0..50 {
        let (next, grant) = granted(breaker, &policy, 0);
        breaker = next;
        grants.push(grant);
    }
    for grant in grants {
        breaker = report(breaker, &policy, grant, Outcome::Failure, 100);
    }
    assert_eq!(breaker.phase, Phase::Open { retry_at_ms: 30_100, multiplier: 1 });
    assert_eq!((breaker.generation, breaker.failures), (1, 5), "the late reports changed nothing");
}

#[test]
fn three_probes_pass_and_three_successes_close_it() {
    let policy = Policy::default();
    let (breaker, first) = half_open(&policy);
    let (breaker, second) = granted(breaker, &policy, 30_001);
    let (breaker, third) = granted(breaker, &policy, 30_002);
    assert_eq!([first.number, second.number, third.number], [1, 2, 3]);
    let (breaker, refused) = acquire(breaker, &policy, 30_003);
    assert_eq!(refused, Err(HOLD_MS - 3), "a fourth waits until the first permit expires");
    let breaker = report(breaker, &policy, first, Outcome::Success, 30_004);
    let (breaker, refused) = acquire(breaker, &policy, 30_004);
    assert!(refused.is_err(), "outstanding permits and successes together fill the places");
    let breaker = report(breaker, &policy, second, Outcome::Success, 30_005);
    let breaker = report(breaker, &policy, third, Outcome::Success, 30_006);
    assert_eq!((breaker.state(), breaker.failures), (State::Closed, 0));
    assert_eq!(
        opened_again(breaker, &policy, 40_000),
        30_000,
        "a closed breaker forgets how long the wait was"
    );
}

fn opened_again(breaker: Breaker, policy: &Policy, now_ms: i64) -> i64 {
    let breaker =
        (0..5).fold(breaker, |breaker, _| call(breaker, policy, Outcome::Failure, now_ms));
    acquire(breaker, policy, now_ms).1.expect_err("it is open")
}

#[test]
fn a_probe_of_which_nothing_can_be_said_frees_its_place() {
    let policy = Policy { half_open_max_calls: 1, ..Policy::default() };
    let (breaker, grant) = half_open(&policy);
    assert!(acquire(breaker.clone(), &policy, 30_001).1.is_err(), "the place is taken");
    let breaker = report(breaker, &policy, grant, Outcome::Neither, 30_001);
    let (_, grant) = granted(breaker, &policy, 30_002);
    assert_eq!(grant.number, 2);
}

#[test]
fn a_permit_that_is_not_reported_frees_its_place_and_counts_as_nothing() {
    let policy = Policy { half_open_max_calls: 1, ..Policy::default() };
    let (breaker, lost) = half_open(&policy);
    let (breaker, refused) = acquire(breaker, &policy, 30_000 + HOLD_MS - 1);
    assert_eq!(refused, Err(1));
    let (breaker, _) = granted(breaker, &policy, 30_000 + HOLD_MS);
    let after = report(breaker.clone(), &policy, lost, Outcome::Failure, 30_000 + HOLD_MS);
    assert_eq!(after, breaker, "its report is too late");
}

#[test]
fn probes_that_take_too_long_open_it_again_without_a_longer_wait() {
    let policy = Policy::default();
    let (breaker, _) = half_open(&policy);
    let aged = breaker.clone().as_of(&policy, 90_000);
    assert_eq!(aged.phase, Phase::Open { retry_at_ms: 120_000, multiplier: 1 });
    let (breaker, grant) = granted(breaker, &policy, 120_000);
    assert_eq!(
        (breaker.generation, grant.generation, grant.number),
        (4, 4, 1),
        "open, half open, open, half open"
    );
}

#[test]
fn a_forced_state_stays_until_reset() {
    let policy = Policy::default();
    let forced = Breaker::default().step(&policy, Event::Set(Action::ForceOpen), 0).0;
    let (forced, refused) = acquire(forced, &policy, i64::from(u32::MAX));
    assert_eq!((refused, forced.is_forced()), (Err(30_000), true));
    let passing = forced.step(&policy, Event::Set(Action::ForceClosed), 0).0;
    let passing = (0..9).fold(passing, |breaker, _| call(breaker, &policy, Outcome::Failure, 0));
    assert_eq!((passing.state(), passing.is_forced()), (State::Closed, true));
    let reset = passing.step(&policy, Event::Set(Action::Reset), 0).0;
    assert_eq!((reset.state(), reset.is_forced(), reset.generation), (State::Closed, false, 3));
}

#[test]
fn a_report_of_an_earlier_generation_changes_nothing() {
    let policy = Policy::default();
    let (breaker, stale) = granted(Breaker::default(), &policy, 0);
    let reset = breaker.step(&policy, Event::Set(Action::Reset), 0).0;
    assert_eq!(report(reset.clone(), &policy, stale, Outcome::Failure, 0), reset);
}

#[test]
fn a_window_opens_at_its_rate_and_not_before_its_calls() {
    let mode = Mode::Window { window_ms: 60_000, min_calls: 10, failure_rate: 0.5 };
    let policy = Policy { mode, ..Policy::default() };
    let mixed = |failures: usize, successes: usize| {
        let breaker = (0..successes)
            .fold(Breaker::default(), |b, _| call(b, &policy, Outcome::Success, 1_000));
        (0..failures).fold(breaker, |b, _| call(b, &policy, Outcome::Failure, 2_000))
    };
    assert_eq!(mixed(9, 0).state(), State::Closed, "nine calls say nothing");
    assert_eq!(mixed(5, 5).state(), State::Open, "half of ten failed");
    assert_eq!(mixed(4, 6).state(), State::Closed, "four of ten is less than half");
    let old = mixed(9, 0);
    let later = call(old.clone(), &policy, Outcome::Failure, 66_000);
    assert_eq!(later.state(), State::Closed, "what is longer ago than the window is forgotten");
    assert_eq!(call(old, &policy, Outcome::Failure, 59_999).state(), State::Open);
}

#[test]
fn only_a_failure_opens_it_even_at_a_rate_of_nothing() {
    let mode = Mode::Window { window_ms: 60_000, min_calls: 2, failure_rate: 0.0 };
    let policy = Policy { mode, ..Policy::default() };
    let calm = (0..20).fold(Breaker::default(), |b, _| call(b, &policy, Outcome::Success, 0));
    assert_eq!(calm.state(), State::Closed);
    assert_eq!(call(calm, &policy, Outcome::Failure, 0).state(), State::Open);
}

#[test]
fn a_breaker_survives_its_written_form() {
    let policy = Policy {
        mode: Mode::Window { window_ms: 100, min_calls: 2, failure_rate: 1.0 },
        ..Policy::default()
    };
    let counted = call(Breaker::default(), &policy, Outcome::Failure, 5);
    let (probing, _) = half_open(&Policy::default());
    for breaker in [Breaker::default(), counted, opened(&Policy::default(), 7), probing] {
        let text = serde_json::to_string(&breaker).expect("it can be written");
        assert_eq!(
            serde_json::from_str::<Breaker>(&text).expect("it can be read"),
            breaker,
            "{text}"
        );
    }
}

proptest! {
    /// Whatever happens: probes under way and gone well never exceed their number, and generations only grow.
    #[test]
    fn probes_never_exceed_their_number(events in proptest::collection::vec((0..6_u8, 0..40_000_i64), 1..200)) {
        let policy = Policy::default();
        let (mut breaker, mut now_ms, mut grants) = (Breaker::default(), 0, Vec::new());
        for (event, wait_ms) in events {
            now_ms += wait_ms;
            let generation = breaker.generation;
            let outcome = [Outcome::Success, Outcome::Failure, Outcome::Neither][usize::from(event) % 3];
            breaker = match (event < 3, grants.pop()) {
                (false, Some(grant)) => report(breaker, &policy, grant, outcome, now_ms),
                (_, kept) => {
                    grants.extend(kept);
                    let (breaker, grant) = acquire(breaker, &policy, now_ms);
                    grants.extend(grant);
                    breaker
                }
            };
            prop_assert!(generation <= breaker.generation);
            if let Phase::HalfOpen { successes, outstanding, .. } = &breaker.phase {
                prop_assert!(outstanding.len() + *successes as usize <= 3);
            }
        }
    }
}
