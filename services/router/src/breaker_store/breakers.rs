//! The breakers of all agents as the rest of the router uses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::{Life, Redis, clock};
use tracing::Instrument as _;

use super::{BreakerStore, MemoryStore, RedisStore, Step};
use crate::breaker::{
    Action, Answer, Breaker, BreakerSettings, Event, Grant, Outcome, Phase, State,
};

#[cfg(test)]
mod tests;

/// How long after its dispatch deadline a call may still be reported.
const REPORT_GRACE_MS: i64 = 5_000;

/// The breakers of all agents, shared by all replicas when there is Redis; cheap to clone.
///
/// While Redis is away each replica goes on with a copy of the last state of its own.
#[derive(Clone)]
pub struct Breakers {
    inner: Arc<Inner>,
}

struct Inner {
    settings: BreakerSettings,
    shared: Option<RedisStore>,
    is_shared_away: AtomicBool,
    local: MemoryStore,
}

/// Leave to make one call, to be handed back with how it ended.
#[derive(Debug)]
#[must_use = "a permit that is not reported holds its place until it expires"]
pub struct Permit {
    agent_id: String,
    /// Absent when breakers are switched off.
    grant: Option<Grant>,
    is_local: bool,
}

/// The agent may not be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit is open for another {retry_after_ms} ms")]
pub struct Refusal {
    /// How long until a call may pass.
    pub retry_after_ms: i64,
}

impl Breakers {
    /// The breakers of this installation.
    #[must_use]
    pub fn new(settings: BreakerSettings, redis: Option<Redis>, life: &Life) -> Self {
        let shared = redis.map(|redis| RedisStore::new(redis, &settings.policy));
        let local = MemoryStore::new(settings.policy.clone());
        let inner =
            Arc::new(Inner { settings, shared, is_shared_away: AtomicBool::new(false), local });
        if inner.shared.is_some() && inner.settings.enabled {
            life.spawn("breaker copy", keep_copy(inner.clone(), life.clone()));
        }
        Self { inner }
    }

    /// Asks leave to call an agent; `hold_ms` is the time that the call may take.
    pub async fn acquire(&self, agent_id: &str, hold_ms: i64) -> Result<Permit, Refusal> {
        let agent_id = agent_id.to_owned();
        if !self.inner.settings.enabled {
            return Ok(Permit { agent_id, grant: None, is_local: false });
        }
        let span = tracing::info_span!("circuit_breaker.check", agent_id);
        let event = Event::Acquire { hold_ms: hold_ms.saturating_add(REPORT_GRACE_MS) };
        let (step, is_local) = self.inner.step(&agent_id, event, false).instrument(span).await;
        match step.answer {
            Answer::Granted(grant) => Ok(Permit { agent_id, grant: Some(grant), is_local }),
            Answer::Refused { retry_after_ms } => Err(Refusal { retry_after_ms }),
            Answer::Noted => unreachable!("an acquire is granted or refused"),
        }
    }

    /// Says how a call ended.
    pub async fn report(&self, permit: Permit, outcome: Outcome) {
        if let Some(grant) = permit.grant {
            self.inner
                .step(&permit.agent_id, Event::Report { grant, outcome }, permit.is_local)
                .await;
        }
    }

    /// The agents that would be refused now, as far as this replica knows.
    #[must_use]
    pub fn refused_hint(&self) -> Vec<String> {
        let policy = &self.inner.settings.policy;
        if !self.inner.settings.enabled {
            return Vec::new();
        }
        let now_ms = clock::now_ms();
        let is_refused =
            |breaker: Breaker| breaker.as_of(policy, now_ms).refusal_ms(policy, now_ms).is_some();
        let known = self.inner.local.snapshot();
        known
            .into_iter()
            .filter(|(_, breaker)| is_refused(breaker.clone()))
            .map(|(agent_id, _)| agent_id)
            .collect()
    }

    /// Every breaker that something has happened to, by agent id.
    pub async fn list(&self) -> Vec<proto::v1::Breaker> {
        let mut known = self.inner.all().await;
        known.sort_by(|left, right| left.0.cmp(&right.0));
        known.into_iter().map(|(agent_id, breaker)| self.view(agent_id, breaker)).collect()
    }

    /// The breaker of one agent.
    pub async fn get(&self, agent_id: &str) -> proto::v1::Breaker {
        let known = self.inner.all().await.into_iter().find(|(known, _)| known == agent_id);
        self.view(agent_id.to_owned(), known.map(|(_, breaker)| breaker).unwrap_or_default())
    }

    /// Forces or resets a breaker; the state before and the state now.
    pub async fn set(&self, agent_id: &str, action: Action) -> (State, State) {
        let (step, _) = self.inner.step(agent_id, Event::Set(action), false).await;
        let before = step.before.as_of(&self.inner.settings.policy, step.now_ms);
        (before.state(), step.after.state())
    }

    /// Counts a call that was made without a permit.
    pub async fn record(&self, agent_id: &str, success: bool) -> proto::v1::Breaker {
        let (step, _) = self.inner.step(agent_id, Event::Record { success }, false).await;
        self.view(agent_id.to_owned(), step.after)
    }

    fn view(&self, agent_id: String, breaker: Breaker) -> proto::v1::Breaker {
        let breaker = breaker.as_of(&self.inner.settings.policy, clock::now_ms());
        let (retry_at_ms, multiplier) = match breaker.phase {
            Phase::Open { retry_at_ms, multiplier } => (Some(retry_at_ms), multiplier),
            Phase::HalfOpen { multiplier, .. } => (None, multiplier),
            Phase::Closed { .. } | Phase::ForcedOpen {} | Phase::ForcedClosed {} => (None, 1),
        };
        proto::v1::Breaker {
            agent_id,
            state: breaker.state().name().to_owned(),
            failure_count: i64::from(breaker.failures),
            last_failure_ms: breaker.last_failure_ms,
            retry_at_ms,
            generation: breaker.generation,
            forced: breaker.is_forced(),
            multiplier: i64::from(multiplier),
        }
    }
}

impl Inner {
    /// One step where the breaker is shared, else, or when the permit came from there, on the local copy.
    async fn step(&self, agent_id: &str, event: Event, is_local: bool) -> (Step, bool) {
        let (step, is_local) = match self.shared_step(agent_id, event, is_local).await {
            Some(step) => (step, false),
            None => (self.local.step_at(agent_id, event, clock::now_ms()), self.shared.is_some()),
        };
        self.announce(agent_id, &step);
        (step, is_local)
    }

    async fn shared_step(&self, agent_id: &str, event: Event, is_local: bool) -> Option<Step> {
        let shared = self.reachable().filter(|_| !is_local)?;
        match shared.step(agent_id, event).await {
            Ok(step) => {
                self.local.put(agent_id, step.after.clone());
                Some(step)
            }
            Err(error) => {
                self.lose(&error);
                None
            }
        }
    }

    async fn all(&self) -> Vec<(String, Breaker)> {
        let Some(shared) = self.reachable() else {
            return self.local.snapshot();
        };
        shared.all().await.unwrap_or_else(|error| {
            self.lose(&error);
            self.local.snapshot()
        })
    }

    fn reachable(&self) -> Option<&RedisStore> {
        self.shared.as_ref().filter(|_| !self.is_shared_away.load(Ordering::Relaxed))
    }

    fn lose(&self, error: &super::StoreError) {
        if !self.is_shared_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "breakers go on with a local copy");
        }
    }

    async fn refresh(&self, shared: &RedisStore) {
        match shared.all().await {
            Ok(known) => {
                for (agent_id, breaker) in &known {
                    show(
                        agent_id,
                        breaker.clone().as_of(&self.settings.policy, clock::now_ms()).state(),
                    );
                }
                self.local.replace(known);
                if self.is_shared_away.swap(false, Ordering::Relaxed) {
                    tracing::info!("breakers are shared again");
                }
            }
            Err(error) => self.lose(&error),
        }
    }

    fn announce(&self, agent_id: &str, step: &Step) {
        show(agent_id, step.after.state());
        for state in step.entered(&self.settings.policy) {
            let labels = [("agent_id", agent_id.to_owned()), ("to", state.name().to_owned())];
            metrics::counter!("circuit_breaker.transitions", &labels).increment(1);
            let event_type = match state {
                State::Closed => "circuit_breaker.closed",
                State::Open => "circuit_breaker.opened",
                State::HalfOpen => "circuit_breaker.half_open",
            };
            let generation = step.after.generation;
            tracing::info!(
                audit = true,
                event_type,
                agent_id,
                generation,
                outcome = "success",
                "a breaker changed"
            );
        }
    }
}

/// Keeps the local copy near the shared state, and notices when that can be used again.
async fn keep_copy(inner: Arc<Inner>, life: Life) {
    let Some(shared) = &inner.shared else {
        return;
    };
    let interval = Duration::from_millis(inner.settings.sync_interval_ms.max(1).cast_unsigned());
    while !life.is_stopping() {
        inner.refresh(shared).await;
        tokio::select! {
            () = life.stopping() => {}
            () = tokio::time::sleep(interval) => {}
        }
    }
}

fn show(agent_id: &str, state: State) {
    let value = match state {
        State::Closed => 0.0,
        State::Open => 1.0,
        State::HalfOpen => 2.0,
    };
    metrics::gauge!("circuit_breaker.state", "agent_id" => agent_id.to_owned()).set(value);
}
