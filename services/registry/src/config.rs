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
const TEST_INTERVAL_MIN_MS: i64 = 10;
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
    /// The agents of type `inprocess` for which every router has a handler.
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
            handlers: env.list("INPROCESS_HANDLERS", &proto::HANDLERS),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}

fn health_interval_ms(env: &mut Environment) -> Option<i64> {
    let interval_ms = env.integer("AGENT_HEALTH_INTERVAL_MS", 30_000, 0..=HEALTH_INTERVAL_MAX_MS);
    let min_ms =
        if env.mode() == Mode::Test { TEST_INTERVAL_MIN_MS } else { HEALTH_INTERVAL_MIN_MS };
    if 0 < interval_ms && interval_ms < min_ms {
        let message = format!("{interval_ms} is neither 0 nor at least {min_ms}");
        env.fault("AGENT_HEALTH_INTERVAL_MS", message);
    }
    (0 < interval_ms).then_some(interval_ms)
}

fn allowlist(env: &mut Environment) -> Vec<String> {
    let entries = env.list("AGENT_ENDPOINT_ALLOWLIST", &[]);
    if let Err(malformed) = Allowlist::parse(&entries) {
        env.fault("AGENT_ENDPOINT_ALLOWLIST", malformed.to_string());
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Config, Vec<String>) {
        let mut env = Environment::of(pairs.iter().copied());
        let config = Config::read(&mut env);
        (config, env.finish().err().map(|errors| errors.0).unwrap_or_default())
    }

    #[test]
    fn without_settings_the_defaults_of_the_contract_apply() {
        let (config, faults) = read(&[]);
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(config.folder, PathBuf::from("./agents"));
        assert_eq!(config.health_interval_ms, Some(30_000));
        assert_eq!(config.reload_debounce_ms, 5_000);
        assert!(!config.skips_oversize);
        assert_eq!(config.allowlist, Vec::<String>::new());
        assert_eq!(config.handlers, proto::HANDLERS, "every router has these");
    }

    #[test]
    fn probes_are_off_or_a_second_apart() {
        let interval = |text, mode| {
            let (config, faults) = read(&[("AGENT_HEALTH_INTERVAL_MS", text), ("MESH_ENV", mode)]);
            (config.health_interval_ms, faults.len())
        };
        assert_eq!(interval("0", "production"), (None, 0));
        assert_eq!(interval("1000", "production"), (Some(1_000), 0));
        assert_eq!(interval("999", "production").1, 1);
        assert_eq!(interval("10", "test"), (Some(10), 0));
        assert_eq!(interval("-1", "test").1, 1);
    }

    #[test]
    fn a_malformed_entry_of_the_allow_list_is_a_fault() {
        let (config, faults) = read(&[("AGENT_ENDPOINT_ALLOWLIST", "a:1, 10.0.0.0/8")]);
        assert_eq!((config.allowlist, faults.len()), (vec!["a:1".into(), "10.0.0.0/8".into()], 0));
        let (_, faults) = read(&[("AGENT_ENDPOINT_ALLOWLIST", "10.0.0.0/99")]);
        assert_eq!(
            faults,
            [
                "AGENT_ENDPOINT_ALLOWLIST: `10.0.0.0/99` is not a host, a host:port or a CIDR network"
            ]
        );
    }

    #[test]
    fn keys_are_withheld_from_placeholders() {
        let (config, _) = read(&[("API_KEY", "secret"), ("SALES_AGENT_ENDPOINT", "")]);
        assert_eq!(config.variables.get("API_KEY"), None);
        assert_eq!(config.variables.get("SALES_AGENT_ENDPOINT").map(String::as_str), Some(""));
    }
}
