//! The circuit breaker of one agent, as a pure machine: a state and an event give the next state and an answer.
//!
//! Where states are kept and who shares them is the matter of `breaker_store`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod event;
mod policy;
#[cfg(test)]
pub(crate) mod tests;
mod window;

pub use event::{Action, Answer, Event, Grant, Outcome, State};
pub use policy::{BreakerSettings, Mode, Policy};
pub use window::Window;

/// What is known of one agent's reliability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Grows at every transition, so that reports of an earlier time change nothing.
    pub generation: u64,
    /// Failures since the last success.
    pub failures: u32,
    /// When the last failure was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_ms: Option<i64>,
    /// Where the machine stands.
    pub phase: Phase,
}

/// Where the machine stands, with what it must remember there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Calls pass.
    Closed {
        /// The calls that finished of late; empty in consecutive mode.
        window: Window,
    },
    /// Calls are refused until a time.
    Open {
        /// When the first probe may pass.
        retry_at_ms: i64,
        /// By how much the wait has grown.
        multiplier: u32,
    },
    /// A few probes pass.
    HalfOpen {
        /// When the first probe passed.
        since_ms: i64,
        /// By how much the wait had grown.
        multiplier: u32,
        /// Probes that went well.
        successes: u32,
        /// How many permits were given out.
        granted: u64,
        /// Permits not yet reported, and when each of them frees its place.
        outstanding: BTreeMap<u64, i64>,
    },
    /// Closed to everyone by an operator, until reset.
    ForcedOpen {},
    /// Open to everyone by an operator, until reset.
    ForcedClosed {},
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { window: Window::default() }
    }
}

impl Breaker {
    /// Takes one event at a time.
    #[must_use]
    pub fn step(self, policy: &Policy, event: Event, now_ms: i64) -> (Self, Answer) {
        let breaker = self.as_of(policy, now_ms);
        match event {
            Event::Acquire { hold_ms } => breaker.acquire(policy, hold_ms, now_ms),
            Event::Report { grant, outcome } => {
                (breaker.report(policy, grant, outcome, now_ms), Answer::Noted)
            }
            Event::Record { success } => (breaker.count(policy, success, now_ms), Answer::Noted),
            Event::Set(action) => (breaker.set(action), Answer::Noted),
        }
    }

    /// The state after what time alone brings about: probes that ran out of time, permits that freed their place.
    #[must_use]
    pub fn as_of(mut self, policy: &Policy, now_ms: i64) -> Self {
        let Phase::HalfOpen { since_ms, multiplier, outstanding, .. } = &mut self.phase else {
            return self;
        };
        let ends_ms = *since_ms + policy.half_open_timeout_ms;
        if now_ms < ends_ms {
            outstanding.retain(|_, expires_ms| now_ms < *expires_ms);
            return self;
        }
        let multiplier = *multiplier;
        self.open(policy, multiplier, ends_ms)
    }

    /// How long a call that asks now would have to wait; nothing when it may pass. Asked of a state as of now.
    #[must_use]
    pub fn refusal_ms(&self, policy: &Policy, now_ms: i64) -> Option<i64> {
        let at_ms = match &self.phase {
            Phase::Closed { .. } | Phase::ForcedClosed {} => return None,
            Phase::ForcedOpen {} => now_ms + policy.reset_timeout_ms,
            Phase::Open { retry_at_ms, .. } => *retry_at_ms,
            Phase::HalfOpen { since_ms, multiplier, successes, outstanding, .. } => {
                if outstanding.len() as u64 + u64::from(*successes)
                    < u64::from(policy.half_open_max_calls)
                {
                    return None;
                }
                let reopened_ms =
                    *since_ms + policy.half_open_timeout_ms + policy.wait_ms(*multiplier);
                outstanding.values().copied().fold(reopened_ms, i64::min)
            }
        };
        (now_ms < at_ms).then_some(at_ms - now_ms)
    }

    /// The state as the outside knows it.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } | Phase::ForcedClosed {} => State::Closed,
            Phase::Open { .. } | Phase::ForcedOpen {} => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Whether an operator holds it where it is.
    #[must_use]
    pub fn is_forced(&self) -> bool {
        matches!(self.phase, Phase::ForcedOpen {} | Phase::ForcedClosed {})
    }

    fn acquire(mut self, policy: &Policy, hold_ms: i64, now_ms: i64) -> (Self, Answer) {
        if let Some(retry_after_ms) = self.refusal_ms(policy, now_ms) {
            return (self, Answer::Refused { retry_after_ms });
        }
        if let Phase::Open { multiplier, .. } = self.phase {
            let (successes, granted, outstanding) = (0, 0, BTreeMap::new());
            self.enter(Phase::HalfOpen {
                since_ms: now_ms,
                multiplier,
                successes,
                granted,
                outstanding,
            });
        }
        let mut grant =
            Grant { generation: self.generation, number: 0, expires_ms: now_ms + hold_ms };
        if let Phase::HalfOpen { granted, outstanding, .. } = &mut self.phase {
            *granted += 1;
            grant.number = *granted;
            outstanding.insert(grant.number, grant.expires_ms);
        }
        (self, Answer::Granted(grant))
    }

    fn report(mut self, policy: &Policy, grant: Grant, outcome: Outcome, now_ms: i64) -> Self {
        if grant.generation != self.generation || grant.expires_ms <= now_ms {
            return self;
        }
        if let Phase::HalfOpen { outstanding, .. } = &mut self.phase
            && outstanding.remove(&grant.number).is_none()
        {
            return self;
        }
        match outcome {
            Outcome::Success => self.count(policy, true, now_ms),
            Outcome::Failure => self.count(policy, false, now_ms),
            Outcome::Neither => self,
        }
    }

    /// Counts a call that ended, where calls count.
    fn count(mut self, policy: &Policy, is_success: bool, now_ms: i64) -> Self {
        if !matches!(self.phase, Phase::Closed { .. } | Phase::HalfOpen { .. }) {
            return self;
        }
        self.failures = if is_success { 0 } else { self.failures.saturating_add(1) };
        if !is_success {
            self.last_failure_ms = Some(now_ms);
        }
        match &mut self.phase {
            Phase::Closed { window } => {
                window.add(policy, is_success, now_ms);
                if policy.is_too_much(self.failures, window) {
                    return self.open(policy, 1, now_ms);
                }
            }
            Phase::HalfOpen { multiplier, .. } if !is_success => {
                let multiplier = policy.grown(*multiplier);
                return self.open(policy, multiplier, now_ms);
            }
            Phase::HalfOpen { successes, .. } => {
                *successes += 1;
                if policy.half_open_max_calls <= *successes {
                    self.enter(Phase::default());
                }
            }
            Phase::Open { .. } | Phase::ForcedOpen {} | Phase::ForcedClosed {} => {}
        }
        self
    }

    fn set(mut self, action: Action) -> Self {
        match action {
            Action::ForceOpen => self.enter(Phase::ForcedOpen {}),
            Action::ForceClosed => self.enter(Phase::ForcedClosed {}),
            Action::Reset => {
                self.failures = 0;
                self.enter(Phase::default());
            }
        }
        self
    }

    fn open(mut self, policy: &Policy, multiplier: u32, at_ms: i64) -> Self {
        self.enter(Phase::Open { retry_at_ms: at_ms + policy.wait_ms(multiplier), multiplier });
        self
    }

    fn enter(&mut self, phase: Phase) {
        self.generation += 1;
        self.phase = phase;
    }
}
