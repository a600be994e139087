//! Who is hurt, how and when: everything from the seed, so that a run can be repeated.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// The least and the most milliseconds between two blows.
const GAP_MS: std::ops::Range<u64> = 200..1_600;
/// For how many milliseconds a process stays away.
const AWAY_MS: std::ops::Range<u64> = 50..1_500;
/// For how many milliseconds a process stands still: some longer than a lease, so that a sleeper finds itself replaced.
const PAUSE_MS: std::ops::Range<u64> = 50..3_000;

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// It is ended where it stands.
    Kill,
    /// It is asked to end.
    Restart,
    /// It stands still.
    Pause,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blow {
    /// When, from the beginning.
    pub(crate) at: Duration,
    /// To whom, by number.
    pub(crate) victim: usize,
    /// What.
    pub(crate) harm: Harm,
    /// For how long.
    pub(crate) lasts: Duration,
}

/// All that happens, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) blows: Vec<Blow>,
}

impl Plan {
    /// What this seed does to so many victims.
    pub(crate) fn of(seed: u64, victims: usize, length: Duration) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut blows = Vec::new();
        let mut at = Duration::from_millis(random.random_range(GAP_MS));
        while at < length {
            let (harm, span) = match random.random_range(0..5) {
                0 | 1 => (Harm::Kill, AWAY_MS),
                2 => (Harm::Restart, AWAY_MS),
                _ => (Harm::Pause, PAUSE_MS),
            };
            let victim = random.random_range(0..victims);
            let lasts = Duration::from_millis(random.random_range(span));
            blows.push(Blow { at, victim, harm, lasts });
            at += Duration::from_millis(random.random_range(GAP_MS));
        }
        Self { blows }
    }

    /// How often this was done.
    pub(crate) fn count(&self, harm: Harm) -> usize {
        self.blows.iter().filter(|blow| blow.harm == harm).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_the_same_every_time_and_spares_nobody() {
        let length = Duration::from_secs(300);
        let plan = Plan::of(7, 12, length);
        assert_eq!(plan, Plan::of(7, 12, length));
        assert_ne!(plan, Plan::of(8, 12, length));
        assert!(plan.blows.is_sorted_by_key(|blow| blow.at));
        assert!(plan.blows.last().unwrap().at < length);
        for victim in 0..12 {
            for harm in [Harm::Kill, Harm::Restart, Harm::Pause] {
                let hit = |blow: &&Blow| blow.victim == victim && blow.harm == harm;
                assert!(plan.blows.iter().any(|blow| hit(&blow)), "{victim} {harm:?}");
            }
        }
    }
}
