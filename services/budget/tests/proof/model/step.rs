//! What can happen to money.

use proptest::prelude::*;

use crate::reference::SCOPES;

/// What may have a limit.
pub(super) const RULED: [&str; 6] =
    ["org:mesh", "user:a", "user:b", "agent:x", "user:*", "agent:*"];

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Reserve {
        charge: u8,
        scopes: u8,
        amount: i64,
    },
    /// Reserves, and nobody settles in time.
    Lapse {
        charge: u8,
        scopes: u8,
        amount: i64,
    },
    /// Reserves, goes away before the answer, and asks again.
    Abandon {
        charge: u8,
        scopes: u8,
        amount: i64,
    },
    Check {
        scopes: u8,
        amount: i64,
    },
    Settle {
        charge: u8,
        actual: Option<i64>,
    },
    Bill {
        charge: u8,
        scopes: u8,
        actual: i64,
    },
    Release {
        charge: u8,
    },
    Limit {
        ruled: usize,
        limit: i64,
        hard_cap: i64,
        strict: bool,
    },
    Delete {
        ruled: usize,
    },
    Reset {
        scope: usize,
    },
    /// The process ends and another takes its place.
    Restart,
}

/// Any of them.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let ask = || (0..8_u8, 1..16_u8, 0..=400_i64);
    let limit = (0..RULED.len(), 1..=1_500_i64, 500_000..=1_000_000_i64, any::<bool>());
    prop_oneof![
        8 => ask().prop_map(|(charge, scopes, amount)| Step::Reserve { charge, scopes, amount }),
        2 => ask().prop_map(|(charge, scopes, amount)| Step::Lapse { charge, scopes, amount }),
        1 => ask().prop_map(|(charge, scopes, amount)| Step::Abandon { charge, scopes, amount }),
        2 => (1..16_u8, 0..=400_i64).prop_map(|(scopes, amount)| Step::Check { scopes, amount }),
        6 => (0..8_u8, proptest::option::of(0..=900_i64))
            .prop_map(|(charge, actual)| Step::Settle { charge, actual }),
        2 => (0..4_u8, 1..16_u8, 0..=300_i64)
            .prop_map(|(charge, scopes, actual)| Step::Bill { charge, scopes, actual }),
        3 => (0..8_u8).prop_map(|charge| Step::Release { charge }),
        4 => limit.prop_map(|(ruled, limit, hard_cap, strict)| {
            Step::Limit { ruled, limit, hard_cap, strict }
        }),
        1 => (0..RULED.len()).prop_map(|ruled| Step::Delete { ruled }),
        2 => (0..SCOPES.len()).prop_map(|scope| Step::Reset { scope }),
        1 => Just(Step::Restart),
    ]
}
