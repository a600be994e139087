//! Breakers shared by all replicas: one hash, one field an agent, one script a step.

use async_trait::async_trait;
use chassis::Redis;
use redis::{RedisError, Script};

use super::{BreakerStore, Step, StoreError};
use crate::breaker::{Action, Answer, Breaker, Event, Grant, Mode, Outcome, Policy};

const MACHINE: &str = include_str!("machine.lua");
const STORE_TIME: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
";
const ALL: &str = "return redis.call('HGETALL', KEYS[1])";
const KEY: &str = "breakers";

/// The time, the state before and after as JSON (empty: never written), and the answer with its three numbers.
type Row = (i64, String, String, i64, i64, u64, i64);

/// Breakers in Redis, on its time.
#[derive(Debug)]
pub struct RedisStore {
    redis: Redis,
    step: Script,
    all: Script,
    policy: [String; 8],
}

impl RedisStore {
    /// The breakers of this installation.
    #[must_use]
    pub fn new(redis: Redis, policy: &Policy) -> Self {
        Self::on(redis, policy, STORE_TIME)
    }

    /// The same on another clock: a piece of script that sets `now`.
    pub(super) fn on(redis: Redis, policy: &Policy, clock: &str) -> Self {
        let step = Script::new(&format!("{clock}{MACHINE}"));
        Self { redis, step, all: Script::new(ALL), policy: policy_arguments(policy) }
    }

    /// One step with further arguments after the machine's own.
    pub(super) async fn step_with(
        &self,
        agent_id: &str,
        event: Event,
        more: &[String],
    ) -> Result<Step, StoreError> {
        let arguments =
            [&[agent_id.to_owned()], &event_arguments(event)[..], &self.policy[..], more].concat();
        let row: Row = self.redis.run(&self.step, &[self.redis.key(KEY)], &arguments).await?;
        Ok(Step {
            before: decode(&row.1)?,
            after: decode(&row.2)?,
            answer: answer(&row)?,
            now_ms: row.0,
        })
    }
}

#[async_trait]
impl BreakerStore for RedisStore {
    async fn step(&self, agent_id: &str, event: Event) -> Result<Step, StoreError> {
        self.step_with(agent_id, event, &[]).await
    }

    async fn all(&self) -> Result<Vec<(String, Breaker)>, StoreError> {
        let rows: Vec<(String, String)> =
            self.redis.run(&self.all, &[self.redis.key(KEY)], &[]).await?;
        rows.into_iter().map(|(agent_id, text)| Ok((agent_id, decode(&text)?))).collect()
    }
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

fn decode(text: &str) -> Result<Breaker, StoreError> {
    if text.is_empty() {
        return Ok(Breaker::default());
    }
    serde_json::from_str(text).map_err(|error| StoreError(error.to_string()))
}

fn answer(row: &Row) -> Result<Answer, StoreError> {
    match *row {
        (_, _, _, 0, ..) => Ok(Answer::Noted),
        (_, _, _, 1, generation, number, expires_ms) => Ok(Answer::Granted(Grant {
            generation: generation.cast_unsigned(),
            number,
            expires_ms,
        })),
        (_, _, _, 2, retry_after_ms, ..) => Ok(Answer::Refused { retry_after_ms }),
        (_, _, _, kind, ..) => Err(StoreError(format!("unknown answer {kind}"))),
    }
}

/// Event, subject, number, expiry, outcome: what the script calls them.
fn event_arguments(event: Event) -> [String; 5] {
    let none = || "0".to_owned();
    match event {
        Event::Acquire { hold_ms } => {
            ["acquire".to_owned(), hold_ms.to_string(), none(), none(), none()]
        }
        Event::Report { grant, outcome } => [
            "report".to_owned(),
            grant.generation.to_string(),
            grant.number.to_string(),
            grant.expires_ms.to_string(),
            outcome_name(outcome).to_owned(),
        ],
        Event::Record { success } => {
            let subject = if success { "success" } else { "failure" };
            ["record".to_owned(), subject.to_owned(), none(), none(), none()]
        }
        Event::Set(action) => {
            ["set".to_owned(), phase_name(action).to_owned(), none(), none(), none()]
        }
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Neither => "neither",
    }
}

fn phase_name(action: Action) -> &'static str {
    match action {
        Action::Reset => "reset",
        Action::ForceOpen => "forced_open",
        Action::ForceClosed => "forced_closed",
    }
}

/// Mode, threshold or window, calls, rate; then the four times and numbers of opening and probing.
fn policy_arguments(policy: &Policy) -> [String; 8] {
    let (mode, measure, min_calls, failure_rate) = match policy.mode {
        Mode::Consecutive { failure_threshold } => {
            ("consecutive", i64::from(failure_threshold), 0, 0.0)
        }
        Mode::Window { window_ms, min_calls, failure_rate } => {
            ("window", window_ms, min_calls, failure_rate)
        }
    };
    [
        mode.to_owned(),
        measure.to_string(),
        min_calls.to_string(),
        failure_rate.to_string(),
        policy.reset_timeout_ms.to_string(),
        policy.max_backoff.to_string(),
        policy.half_open_max_calls.to_string(),
        policy.half_open_timeout_ms.to_string(),
    ]
}
