//! The settings of the registry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chassis::Mode;
use chassis::address::Allowlist;
use chassis::config::Environment;

/// Variables that hold keys: no definition may read them, since definitions are shown to whoever may list agents.
const WITHHELD: [&str; 8] = [
    "API_KEY",
    "CLASSIFIER_API_KEY",
    "DATABASE_URL",
    "EVENT_WEBHOOK_URL",
    "INTERNAL_TOKEN",
    "LOG_HASH_KEY",
    "REDIS_URL",
    "SLACK_BOT_TOKEN",
];
const HEALTH_INTERVAL_MIN_MS: i64 = 1_000;
const HEALTH_INTERVAL_MAX_MS: i64 = 86_400_000;

/// The settings of the registry.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the definitions are.
    pub folder: PathBuf,
    /// How often agents are probed; none when never.
    pub health_interval_ms: Option<i64>,
    /// How long signals are gathered before a reload.
    pub reload_debounce_ms: i64,
    /// Whether a file that is too large is passed over instead of refused.
    pub skips_oversize: bool,
    /// What placeholders in definitions stand for.
    pub variables: BTreeMap<String, String>,
    /// Hosts, host:port pairs and networks that need not be public.
    pub allowlist: Vec<String>,
    /// The agents of type `inprocess` that the router can answer for itself.
    pub handlers: Vec<String>,
}

impl Config {
    /// Reads the settings; faults stay in the environment.
    pub fn read(env: &mut Environment) -> Self {
        let mut variables = env.variables().clone();
        variables.retain(|name, _| !WITHHELD.contains(&name.as_str()));
        Self {
            folder: env.path("AGENT_REGISTRY_DIR", "./agents"),
            health_interval_ms: health_interval_ms(env),
            reload_debounce_ms: env.millis("REGISTRY_RELOAD_DEBOUNCE_MS", 5_000, 0..=60_000),
            skips_oversize: env.boolean("REGISTRY_SKIP_OVERSIZE", false),
            variables,
            allowlist: allowlist(env),
            handlers: Vec::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}

fn health_interval_ms(env: &mut Environment) -> Option<i64> {
    const NAME: &str = "AGENT_HEALTH_INTERVAL_MS";
    let interval_ms = env.integer(NAME, 30_000, 0..=HEALTH_INTERVAL_MAX_MS);
    let min_ms = if env.mode() == Mode::Test { 10 } else { HEALTH_INTERVAL_MIN_MS };
    if 0 < interval_ms && interval_ms < min_ms {
        env.fault(NAME, format!("{interval_ms} is neither 0 nor at least {min_ms}"));
    }
    (0 < interval_ms).then_some(interval_ms)
}

fn allowlist(env: &mut Environment) -> Vec<String> {
    const NAME: &str = "AGENT_ENDPOINT_ALLOWLIST";
    let entries = env.list(NAME, &[]);
    if let Err(malformed) = Allowlist::parse(&entries) {
        env.fault(NAME, malformed.to_string());
    }
    entries
}
