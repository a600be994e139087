//! What may happen to a breaker, in any order, and by which rules.

use proptest::prelude::*;

use super::super::{Action, Mode, Outcome, Policy};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Acquire(i64),
    Report(usize, Outcome),
    Record(bool),
    Set(Action),
}

pub(crate) fn deeds() -> impl Strategy<Value = Vec<(Deed, i64)>> {
    let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Failure, Outcome::Neither];
    let actions = [Action::Reset, Action::ForceOpen, Action::ForceClosed];
    let deed = prop_oneof![
        8 => (1..300_i64).prop_map(Deed::Acquire),
        8 => (any::<usize>(), prop::sample::select(outcomes.to_vec()))
            .prop_map(|(which, outcome)| Deed::Report(which, outcome)),
        4 => any::<bool>().prop_map(Deed::Record),
        1 => prop::sample::select(actions.to_vec()).prop_map(Deed::Set),
    ];
    prop::collection::vec((deed, 0..60_i64), 1..120)
}

pub(crate) fn policies() -> impl Strategy<Value = Policy> {
    let modes = prop_oneof![
        (1..4_u32).prop_map(|failure_threshold| Mode::Consecutive { failure_threshold }),
        (1..400_i64, 1..5_u64, prop::sample::select(vec![0.0, 0.3, 0.5, 1.0])).prop_map(
            |(window_ms, min_calls, failure_rate)| Mode::Window {
                window_ms,
                min_calls,
                failure_rate
            }
        ),
    ];
    (modes, 1..100_i64, 1..9_u32, 1..4_u32, 1..300_i64).prop_map(
        |(mode, reset, max, calls, half)| Policy {
            mode,
            reset_timeout_ms: reset,
            max_backoff: max,
            half_open_max_calls: calls,
            half_open_timeout_ms: half,
        },
    )
}
