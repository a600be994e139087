//! Whether an agent takes customers: what people declare, and what probes find.

use std::collections::BTreeMap;
use std::fmt;

/// What is said of an agent's readiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    /// It takes customers.
    #[default]
    Available,
    /// It has enough of them.
    Busy,
    /// Nobody is there now.
    Away,
    /// It cannot be reached.
    Offline,
}

impl Availability {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Available, Self::Busy, Self::Away, Self::Offline];

    /// The value of this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.name().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Busy => "busy",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many probes in a row must fail before an agent counts as offline.
pub const FAILURES_MAX: u32 = 3;

/// What the probes of each agent have found lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    failures: BTreeMap<String, u32>,
}

impl Probes {
    /// Takes in the result of a probe.
    pub fn record(&mut self, agent_id: &str, is_alive: bool) {
        if is_alive {
            self.failures.remove(agent_id);
            return;
        }
        let failures = self.failures.entry(agent_id.to_owned()).or_default();
        *failures = failures.saturating_add(1).min(FAILURES_MAX);
    }

    /// Starts anew for an agent, as after somebody has declared its availability.
    pub fn forget(&mut self, agent_id: &str) {
        self.failures.remove(agent_id);
    }

    /// Starts anew for all agents but those named.
    pub fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.failures.retain(|agent_id, _| is_kept(agent_id));
    }

    /// What holds for an agent: offline while its probes fail, else what was declared.
    pub fn verdict(&self, agent_id: &str, declared: Availability) -> Availability {
        let is_down = self.failures.get(agent_id).is_some_and(|failures| FAILURES_MAX <= *failures);
        if is_down { Availability::Offline } else { declared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Availability::{Available, Busy, Offline};

    #[test]
    fn three_failures_in_a_row_set_offline_and_one_success_restores() {
        let steps = [
            (false, Busy),
            (false, Busy),
            (true, Busy),
            (false, Busy),
            (false, Busy),
            (false, Offline),
            (false, Offline),
            (true, Busy),
            (false, Busy),
        ];
        let mut probes = Probes::default();
        for (step, (is_alive, expected)) in steps.into_iter().enumerate() {
            probes.record("sales", is_alive);
            assert_eq!(probes.verdict("sales", Busy), expected, "after step {step}");
        }
    }

    #[test]
    fn a_declaration_counts_until_three_more_probes_fail() {
        let mut probes = Probes::default();
        (0..9).for_each(|_| probes.record("sales", false));
        probes.forget("sales");
        assert_eq!(probes.verdict("sales", Available), Available);
        (0..3).for_each(|_| probes.record("sales", false));
        assert_eq!(probes.verdict("sales", Available), Offline);
    }

    #[test]
    fn names_are_read_in_any_case() {
        for value in Availability::ALL {
            assert_eq!(Availability::from_name(&value.name().to_uppercase()), Some(value));
        }
        assert_eq!(Availability::from_name("gone"), None);
    }
}
