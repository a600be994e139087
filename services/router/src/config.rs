//! The settings of the conversation engine (contract, section 26).

use std::time::Duration;

use chassis::config::Environment;
use url::Url;

use crate::breaker::{BreakerSettings, Mode, Policy};
use crate::dispatch::DispatchSettings;
use crate::handler::Handlers;
use crate::trigger::Keyword;

const MINUTE_MS: f64 = 60_000.0;
const DAY_MS: i64 = 86_400_000;

/// What the conversation engine is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The bounds of a turn.
    pub turn: TurnSettings,
    /// The bounds of a session.
    pub session: SessionSettings,
    /// How the user is asked back.
    pub clarification: ClarificationSettings,
    /// When a handoff starts, and how far it goes.
    pub handoff: HandoffSettings,
    /// What happens when the budget cannot be asked, or a charge is unknown.
    pub budget: BudgetSettings,
    /// How agents are called.
    pub dispatch: DispatchSettings,
    /// Who answers for agents of type `inprocess`.
    pub handlers: Handlers,
    /// For whom the registry takes it that somebody does.
    pub handlers_promised: Vec<String>,
    /// When agents are left alone.
    pub breaker: BreakerSettings,
    /// What is done about inputs that look like an injection.
    pub injection: InjectionAction,
    /// Where session events go besides Redis.
    pub event_webhook: Option<Url>,
}

/// The bounds of a turn.
#[derive(Clone, Debug)]
pub struct TurnSettings {
    /// The whole turn, waiting included.
    pub timeout: Duration,
    /// How long a turn belongs to a router that gives no sign of life.
    pub lease_ms: i64,
    /// Whether the session's agent goes on without classification.
    pub bypass: bool,
    /// Whether another agent takes over when one cannot be called.
    pub failover: bool,
}

/// The bounds of a session.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// How long it lives without a message.
    pub ttl_ms: i64,
    /// How many entries are visible.
    pub max_turns: i64,
    /// How many turns may wait.
    pub queue_max: i64,
    /// How long it is kept after its end.
    pub retention_ms: i64,
}

/// How the user is asked back.
#[derive(Clone, Debug)]
pub struct ClarificationSettings {
    /// Whether at all.
    pub enabled: bool,
    /// How often in a row.
    pub max_attempts: i64,
    /// How long a question waits for its answer.
    pub ttl_ms: i64,
}

/// When a handoff starts, and how far it goes.
#[derive(Clone, Debug)]
pub struct HandoffSettings {
    /// The most handoffs in one turn.
    pub max_hops: i64,
    /// Whether receivers must accept in words.
    pub require_acceptance: bool,
    /// Whether receivers get the history besides the brief.
    pub include_history: bool,
    /// What a user says who wants someone in charge.
    pub keywords: Vec<Keyword>,
    /// Whether topics are watched.
    pub topic_detection: bool,
    /// Below this the active agent no longer owns a text.
    pub topic_confidence: f64,
    /// From here on another agent does.
    pub topic_score: f64,
    /// From which share of its slots on an agent counts as crowded.
    pub load_threshold: f64,
}

/// What happens when the budget cannot be asked, or a charge is unknown.
#[derive(Clone, Debug)]
pub struct BudgetSettings {
    /// Whether turns go on without a reservation.
    pub fail_open: bool,
    /// Whether a call that may have run is charged what was reserved for it.
    pub charge_on_unknown: bool,
}

/// What is done about inputs that look like an injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionAction {
    /// They are not looked for.
    Off,
    /// They are noted.
    Flag,
    /// They are refused.
    Block,
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}

impl Config {
    /// Reads the settings; faults stay with the environment.
    pub fn read(env: &mut Environment) -> Self {
        Self {
            turn: turn(env),
            session: session(env),
            clarification: ClarificationSettings {
                enabled: env.boolean("ENABLE_CLARIFICATION", true),
                max_attempts: env.integer("CLARIFICATION_MAX_ATTEMPTS", 2, 1..=5),
                ttl_ms: env.millis("CLARIFICATION_TTL_MS", 600_000, 1_000..=i64::from(i32::MAX)),
            },
            handoff: handoff(env),
            budget: BudgetSettings {
                fail_open: env.boolean("BUDGET_FAIL_OPEN", false),
                charge_on_unknown: env.choice(
                    "BUDGET_CHARGE_ON_UNKNOWN",
                    true,
                    &[("estimate", true), ("zero", false)],
                ),
            },
            dispatch: dispatch(env),
            handlers: Handlers::shipped(),
            handlers_promised: env.list("INPROCESS_HANDLERS", &proto::HANDLERS),
            breaker: breaker(env),
            injection: env.choice(
                "PROMPT_INJECTION_ACTION",
                InjectionAction::Flag,
                &[
                    ("off", InjectionAction::Off),
                    ("flag", InjectionAction::Flag),
                    ("block", InjectionAction::Block),
                ],
            ),
            event_webhook: env.url("EVENT_WEBHOOK_URL"),
        }
    }
}

fn turn(env: &mut Environment) -> TurnSettings {
    let timeout_ms = env.millis("TURN_TIMEOUT_MS", 60_000, 1_000..=900_000);
    TurnSettings {
        timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
        lease_ms: env.millis("TURN_LEASE_MS", 15_000, 3_000..=900_000),
        bypass: env.boolean("ENABLE_SESSION_BYPASS", true),
        failover: env.boolean("ENABLE_FAILOVER", true),
    }
}

fn session(env: &mut Environment) -> SessionSettings {
    let minutes_min = if env.mode() == chassis::Mode::Test { 0.0001 } else { 1.0 };
    let ttl = env.number("SESSION_TTL_MINUTES", 30.0, minutes_min..=1_440.0);
    SessionSettings {
        ttl_ms: (ttl * MINUTE_MS).round() as i64,
        max_turns: env.integer("SESSION_MAX_TURNS", 100, 1..=1_000),
        queue_max: env.integer("SESSION_QUEUE_MAX", 8, 0..=1_000),
        retention_ms: env.integer("SESSION_RETENTION_DAYS", 90, 1..=36_500) * DAY_MS,
    }
}

fn handoff(env: &mut Environment) -> HandoffSettings {
    let keywords =
        env.list("HANDOFF_ESCALATION_KEYWORDS", &["speak to manager", "human agent", "escalate"]);
    HandoffSettings {
        max_hops: env.integer("HANDOFF_MAX_HOPS", 3, 0..=10),
        require_acceptance: env.boolean("HANDOFF_REQUIRE_ACCEPTANCE", false),
        include_history: env.boolean("HANDOFF_INCLUDE_HISTORY", false),
        keywords: keywords.iter().filter_map(|text| Keyword::of(text)).collect(),
        topic_detection: env.boolean("HANDOFF_TOPIC_DETECTION", true),
        topic_confidence: env.number("HANDOFF_TOPIC_CONFIDENCE", 0.6, 0.0..=1.0),
        topic_score: env.number("HANDOFF_TOPIC_SCORE", 0.8, 0.0..=1.0),
        load_threshold: env.number("HANDOFF_LOAD_THRESHOLD", 0.9, 0.0..=1.0),
    }
}

fn dispatch(env: &mut Environment) -> DispatchSettings {
    let size = |bytes: i64| usize::try_from(bytes).expect("the range fits");
    let bytes = 1_024..=i64::from(i32::MAX);
    DispatchSettings {
        request_timeout_ms: env.millis("MCP_REQUEST_TIMEOUT_MS", 30_000, 1_000..=900_000),
        max_retries: u32::try_from(env.integer("MCP_MAX_RETRIES", 3, 0..=5))
            .expect("the range fits"),
        max_concurrency: size(env.integer("AGENT_MAX_CONCURRENCY", 64, 1..=100_000)),
        strict_contract: env.boolean("AGENT_STRICT_CONTRACT", false),
        max_response_bytes: size(env.integer("AGENT_MAX_RESPONSE_BYTES", 1_048_576, bytes.clone())),
        workflow_state_max_bytes: size(env.integer("WORKFLOW_STATE_MAX_BYTES", 65_536, bytes)),
        allowlist: env.list("AGENT_ENDPOINT_ALLOWLIST", &[]),
    }
}

fn breaker(env: &mut Environment) -> BreakerSettings {
    let hour = 1_000..=3_600_000;
    let small = |number: i64| u32::try_from(number).expect("the range fits");
    let threshold = env.integer("CIRCUIT_BREAKER_FAILURE_THRESHOLD", 5, 1..=1_000_000);
    let window = Mode::Window {
        window_ms: env.millis("CIRCUIT_BREAKER_WINDOW_MS", 60_000, hour.clone()),
        min_calls: env.integer("CIRCUIT_BREAKER_MIN_CALLS", 10, 1..=1_000_000).unsigned_abs(),
        failure_rate: env.number("CIRCUIT_BREAKER_FAILURE_RATE", 0.5, 0.0..=1.0),
    };
    let consecutive = Mode::Consecutive { failure_threshold: small(threshold) };
    let modes = [("consecutive", consecutive.clone()), ("window", window)];
    BreakerSettings {
        enabled: env.boolean("ENABLE_CIRCUIT_BREAKER", true),
        policy: Policy {
            mode: env.choice("CIRCUIT_BREAKER_MODE", consecutive, &modes),
            reset_timeout_ms: env.millis("CIRCUIT_BREAKER_RESET_TIMEOUT_MS", 30_000, hour.clone()),
            max_backoff: small(env.integer("CIRCUIT_BREAKER_MAX_BACKOFF", 8, 1..=64)),
            half_open_max_calls: small(env.integer(
                "CIRCUIT_BREAKER_HALF_OPEN_MAX_CALLS",
                3,
                1..=1_000_000,
            )),
            half_open_timeout_ms: env.millis(
                "CIRCUIT_BREAKER_HALF_OPEN_TIMEOUT_MS",
                60_000,
                hour.clone(),
            ),
        },
        sync_interval_ms: env.millis("CB_SYNC_INTERVAL_MS", 5_000, hour),
    }
}
