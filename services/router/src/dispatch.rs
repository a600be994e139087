//! Calls agents: one `handle_message` over MCP, or of a handler in this process, within a deadline, with retries of what
//! provably never ran.
//!
//! Whether an agent may be called at all is the breaker's matter, and what a call may cost the budget's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chassis::address::Allowlist;
use chassis::backoff;
use chassis::connect::{Connector, Resolver};
use chassis::wire::{Sent, Wire};
use proto::v1::Agent;
use tokio::time::Instant;
use tracing::Instrument as _;

mod attempt;
mod call;
mod failure;
mod inprocess;
mod line;
mod measure;
mod message;
mod reply;
mod session;
mod setback;
mod stream;
mod usage;

use attempt::Errand;
use inprocess::Desk;
use line::{Key, Line, Lines};
use message::Arguments;
use setback::Setback;

pub use call::{Call, HandoffAsk, Reply, ReplyUsage};
pub use failure::{Failure, FailureKind, Settlement};
pub(crate) use inprocess::House;

use crate::handler::INPROCESS;

/// What the dispatcher is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchSettings {
    /// How long a call may take when the agent's definition does not say.
    pub request_timeout_ms: i64,
    /// How many attempts may follow the first.
    pub max_retries: u32,
    /// How many calls of one agent may be under way.
    pub max_concurrency: usize,
    /// Whether a reply without `workflow_complete` is refused.
    pub strict_contract: bool,
    /// The largest reply that is read.
    pub max_response_bytes: usize,
    /// The largest state that an agent may keep.
    pub workflow_state_max_bytes: usize,
    /// Targets that outbound protection exempts.
    pub allowlist: Vec<String>,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self {
            request_timeout_ms: 30_000,
            max_retries: 3,
            max_concurrency: 64,
            strict_contract: false,
            max_response_bytes: 1_048_576,
            workflow_state_max_bytes: 65_536,
            allowlist: Vec::new(),
        }
    }
}

/// Calls agents; cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    inner: Arc<Inner>,
}

struct Inner {
    settings: DispatchSettings,
    connector: Connector,
    lines: Lines,
    /// Absent where nobody answers inside the process.
    house: Option<House>,
}

/// How an agent is reached.
enum Way {
    /// Over MCP.
    Line(Arc<Line>),
    /// In this process.
    Desk(Desk),
}

/// One dispatch while it is under way.
struct Course<'a> {
    agent_id: &'a str,
    way: &'a Way,
    deadline: Instant,
    errand: Errand<'a>,
    /// How many attempts were begun, renewals of a session aside.
    attempts: AtomicU32,
}

impl Dispatcher {
    /// A dispatcher without open connections.
    ///
    /// An allowlist that cannot be read exempts nothing; the settings are checked where they are read.
    #[must_use]
    pub fn new(settings: DispatchSettings, resolver: Arc<dyn Resolver>) -> Self {
        Self::of(settings, resolver, None)
    }

    /// The same with agents that are answered for inside this process.
    pub(crate) fn of(
        settings: DispatchSettings,
        resolver: Arc<dyn Resolver>,
        house: Option<House>,
    ) -> Self {
        let allowlist = Allowlist::parse(&settings.allowlist).unwrap_or_else(|error| {
            tracing::error!(%error, "the allowlist cannot be read");
            Allowlist::default()
        });
        let connector = Connector::new(Arc::new(allowlist), resolver);
        let lines = Lines::default();
        Self { inner: Arc::new(Inner { settings, connector, lines, house }) }
    }

    /// Calls an agent as it is defined in this registry generation.
    pub async fn call(&self, agent: &Agent, generation: u64, call: Call) -> Result<Reply, Failure> {
        let agent_id = agent.agent_id.as_str();
        let span = measure::span(agent, &call);
        let started = Instant::now();
        async {
            let outcome = self.inner.dispatch(agent, generation, &call).await;
            measure::dispatched(agent_id, &call, outcome.as_ref(), started.elapsed());
            outcome
        }
        .instrument(span)
        .await
    }

    /// Lets go of the sessions of every generation before this one; calls under way end in peace.
    pub fn retire(&self, generation: u64) {
        self.inner.lines.retire(generation);
    }
}

impl Inner {
    async fn dispatch(
        &self,
        agent: &Agent,
        generation: u64,
        call: &Call,
    ) -> Result<Reply, Failure> {
        let agent_id = agent.agent_id.as_str();
        let limit_ms = agent.timeout_ms.unwrap_or(self.settings.request_timeout_ms).max(0);
        let deadline =
            call.deadline.min(Instant::now() + Duration::from_millis(limit_ms.cast_unsigned()));
        let way = &self.way(agent, generation).map_err(|setback| setback.into_failure(0))?;
        let (arguments, broken) = Arguments::read(&call.arguments, &call.verbatim);
        for name in broken {
            tracing::error!(agent_id, name, "an argument is not JSON and is left out");
        }
        let arguments = &*arguments.write();
        let errand = Errand { settings: &self.settings, call, arguments, sent: Sent::default() };
        let course = Course { agent_id, way, deadline, errand, attempts: AtomicU32::new(0) };
        let was_sent = || course.errand.sent.load(Ordering::Acquire);
        let outcome = tokio::select! {
            biased;
            () = call.cancel.cancelled() => Err(Setback::Cancelled { was_sent: was_sent() }),
            outcome = tokio::time::timeout_at(deadline, self.attempts(&course)) => {
                outcome.unwrap_or_else(|_| Err(Setback::Late { was_sent: was_sent() }))
            }
        };
        let attempts = course.attempts.into_inner();
        match outcome {
            Ok(reply) => Ok(Reply { attempts, ..reply }),
            Err(setback) => Err(setback.into_failure(attempts)),
        }
    }

    fn way(&self, agent: &Agent, generation: u64) -> Result<Way, Setback> {
        let agent_id = agent.agent_id.clone();
        if let Some(house) = self.house.as_ref().filter(|_| agent.r#type == INPROCESS) {
            return house.desk(&agent_id).map(Way::Desk);
        }
        let key = Key { agent_id, endpoint: agent.endpoint.clone(), generation };
        self.lines.of(&key, || self.wire()).map(Way::Line)
    }

    /// Attempts until one brings a reply, until trying again is pointless, or until there is no time for it.
    async fn attempts(&self, course: &Course<'_>) -> Result<Reply, Setback> {
        let places = self.lines.places(course.agent_id, self.settings.max_concurrency);
        let _place = places.acquire_owned().await.expect("nobody closes the places of an agent");
        let mut attempts = 1;
        let mut may_renew = true;
        loop {
            course.attempts.store(attempts, Ordering::Relaxed);
            let setback = match self.attempt(course).await {
                Ok(reply) => return Ok(reply),
                Err(setback) => setback,
            };
            let is_renewal = setback == Setback::Gone && std::mem::take(&mut may_renew);
            let wait =
                if is_renewal { Duration::ZERO } else { self.wait(&setback, attempts, course)? };
            measure::retrying(course.agent_id, &setback, wait);
            course.errand.sent.store(false, Ordering::Release);
            tokio::time::sleep(wait).await;
            attempts += u32::from(!is_renewal);
        }
    }

    async fn attempt(&self, course: &Course<'_>) -> Result<Reply, Setback> {
        let line = match course.way {
            Way::Line(line) => line,
            Way::Desk(desk) => {
                return inprocess::attempt(&course.errand, course.agent_id, desk).await;
            }
        };
        let session = line.session().await?;
        let outcome = attempt::attempt(&course.errand, &session).await;
        if outcome.as_ref().is_err_and(Setback::spoils_session) {
            line.forget(&session);
        }
        outcome
    }

    /// How long to wait before the next attempt, if there is one.
    fn wait(
        &self,
        setback: &Setback,
        attempts: u32,
        course: &Course<'_>,
    ) -> Result<Duration, Setback> {
        if !setback.is_retryable() || self.settings.max_retries < attempts {
            return Err(setback.clone());
        }
        let wait_ms = backoff::wait_ms(attempts - 1, rand::random(), setback.retry_after_ms());
        let wait = Duration::from_millis(wait_ms.max(0).cast_unsigned());
        if course.deadline <= Instant::now() + wait { Err(setback.clone()) } else { Ok(wait) }
    }

    fn wire(&self) -> Wire {
        Wire::new(
            self.connector.clone(),
            self.settings.max_concurrency,
            self.settings.max_response_bytes,
        )
    }
}
