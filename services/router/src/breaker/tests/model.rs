//! The table of the contract (section 16) told once more, in the plainest way: nothing is ever forgotten, and each
//! question is answered by looking at all that has happened.

use proptest::prelude::*;

use super::super::{Action, Answer, Breaker, Event, Grant, Mode, Outcome, Policy, State};
use super::deeds::{Deed, deeds, policies};

/// A permit that was given out.
#[derive(Clone, Copy, Debug)]
struct Permit {
    grant: Grant,
    is_reported: bool,
}

/// A call that finished while calls counted.
#[derive(Clone, Copy, Debug)]
struct Finished {
    at_ms: i64,
    went_well: bool,
    generation: u64,
}

struct Model {
    policy: Policy,
    state: State,
    is_forced: bool,
    generation: u64,
    entered_ms: i64,
    multiplier: u32,
    permits: Vec<Permit>,
    finished: Vec<Finished>,
    failures_in_a_row: u32,
}

impl Model {
    fn new(policy: Policy) -> Self {
        Self {
            policy,
            state: State::Closed,
            is_forced: false,
            generation: 0,
            entered_ms: 0,
            multiplier: 1,
            permits: Vec::new(),
            finished: Vec::new(),
            failures_in_a_row: 0,
        }
    }

    fn enter(&mut self, state: State, at_ms: i64) {
        (self.state, self.entered_ms, self.is_forced) = (state, at_ms, false);
        self.generation += 1;
    }

    fn retry_at_ms(&self) -> i64 {
        self.entered_ms + self.policy.reset_timeout_ms * i64::from(self.multiplier)
    }

    /// Probes that took too long.
    fn pass_time(&mut self, now_ms: i64) {
        let ends_ms = self.entered_ms + self.policy.half_open_timeout_ms;
        if self.state == State::HalfOpen && ends_ms <= now_ms {
            self.enter(State::Open, ends_ms);
        }
    }

    fn outstanding(&self, now_ms: i64) -> Vec<Grant> {
        let waiting = self.permits.iter().filter(|permit| !permit.is_reported);
        let waiting = waiting.map(|permit| permit.grant);
        let is_held =
            |grant: &Grant| grant.generation == self.generation && now_ms < grant.expires_ms;
        waiting.filter(is_held).collect()
    }

    fn of_this_generation(&self) -> impl Iterator<Item = &Finished> {
        self.finished.iter().filter(|call| call.generation == self.generation)
    }

    fn successes(&self) -> usize {
        self.of_this_generation().filter(|call| call.went_well).count()
    }

    fn acquire(&mut self, hold_ms: i64, now_ms: i64) -> Answer {
        let refused = |at_ms: i64| Answer::Refused { retry_after_ms: at_ms - now_ms };
        let mut number = 0;
        match (self.state, self.is_forced) {
            (State::Closed, _) => {}
            (_, true) => return refused(now_ms + self.policy.reset_timeout_ms),
            (State::Open, _) if now_ms < self.retry_at_ms() => return refused(self.retry_at_ms()),
            (State::Open, _) => {
                self.enter(State::HalfOpen, now_ms);
                number = 1;
            }
            (State::HalfOpen, _) => {
                let outstanding = self.outstanding(now_ms);
                let taken = outstanding.len() + self.successes();
                if self.policy.half_open_max_calls as usize <= taken {
                    let reopened_ms = self.retry_at_ms() + self.policy.half_open_timeout_ms;
                    let freed = outstanding.iter().map(|grant| grant.expires_ms);
                    return refused(freed.fold(reopened_ms, i64::min));
                }
                let before = self.permits.iter().map(|permit| permit.grant);
                number = 1 + before.filter(|grant| grant.generation == self.generation).count();
            }
        }
        let (generation, expires_ms) = (self.generation, now_ms + hold_ms);
        let grant = Grant { generation, number: number as u64, expires_ms };
        self.permits.push(Permit { grant, is_reported: false });
        Answer::Granted(grant)
    }

    fn report(&mut self, which: usize, outcome: Outcome, now_ms: i64) {
        let Permit { grant, is_reported } = self.permits[which];
        let is_known = grant.generation == self.generation && now_ms < grant.expires_ms;
        // Only a probe has a place to free, and frees it once.
        if !is_known || (is_reported && self.state == State::HalfOpen) {
            return;
        }
        self.permits[which].is_reported = true;
        match outcome {
            Outcome::Success => self.count(true, now_ms),
            Outcome::Failure => self.count(false, now_ms),
            Outcome::Neither => {}
        }
    }

    fn count(&mut self, went_well: bool, now_ms: i64) {
        if self.is_forced || self.state == State::Open {
            return;
        }
        let generation = self.generation;
        self.finished.push(Finished { at_ms: now_ms, went_well, generation });
        self.failures_in_a_row = if went_well { 0 } else { self.failures_in_a_row + 1 };
        match (self.state, went_well) {
            (State::Closed, _) if self.is_too_much(now_ms) => {
                self.multiplier = 1;
                self.enter(State::Open, now_ms);
            }
            (State::HalfOpen, false) => {
                self.multiplier = (2 * self.multiplier).min(self.policy.max_backoff);
                self.enter(State::Open, now_ms);
            }
            (State::HalfOpen, true)
                if self.policy.half_open_max_calls as usize <= self.successes() =>
            {
                self.enter(State::Closed, now_ms);
            }
            _ => {}
        }
    }

    fn is_too_much(&self, now_ms: i64) -> bool {
        match self.policy.mode {
            Mode::Consecutive { failure_threshold } => failure_threshold <= self.failures_in_a_row,
            Mode::Window { window_ms, min_calls, failure_rate } => {
                let bucket = |at_ms: i64| at_ms / (window_ms / 10).max(1);
                let late = |call: &&Finished| bucket(now_ms) - 10 < bucket(call.at_ms);
                let calls: Vec<_> = self.of_this_generation().filter(late).collect();
                let failed = calls.iter().filter(|call| !call.went_well).count();
                let is_enough = min_calls <= calls.len() as u64;
                0 < failed && is_enough && failure_rate * calls.len() as f64 <= failed as f64
            }
        }
    }

    fn set(&mut self, action: Action, now_ms: i64) {
        let state = if action == Action::ForceOpen { State::Open } else { State::Closed };
        self.enter(state, now_ms);
        self.is_forced = action != Action::Reset;
        if action == Action::Reset {
            self.failures_in_a_row = 0;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_machine_does_what_the_table_says(policy in policies(), deeds in deeds()) {
        let (mut model, mut breaker, mut now_ms) = (Model::new(policy.clone()), Breaker::default(), 0);
        for (deed, wait_ms) in deeds {
            now_ms += wait_ms;
            model.pass_time(now_ms);
            let mut expected = Answer::Noted;
            let event = match deed {
                Deed::Acquire(hold_ms) => {
                    expected = model.acquire(hold_ms, now_ms);
                    Event::Acquire { hold_ms }
                }
                Deed::Report(..) if model.permits.is_empty() => continue,
                Deed::Report(which, outcome) => {
                    let which = which % model.permits.len();
                    let grant = model.permits[which].grant;
                    model.report(which, outcome, now_ms);
                    Event::Report { grant, outcome }
                }
                Deed::Record(success) => {
                    model.count(success, now_ms);
                    Event::Record { success }
                }
                Deed::Set(action) => {
                    model.set(action, now_ms);
                    Event::Set(action)
                }
            };
            let (after, answer) = breaker.step(&policy, event, now_ms);
            prop_assert_eq!(answer, expected, "{:?} at {}", event, now_ms);
            prop_assert_eq!(
                (after.state(), after.is_forced(), after.generation, after.failures),
                (model.state, model.is_forced, model.generation, model.failures_in_a_row),
                "{:?} at {}", event, now_ms
            );
            breaker = after;
        }
    }
}
