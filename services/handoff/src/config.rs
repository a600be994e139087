//! The settings of the handoff service (contract, section 26).

use std::sync::Arc;
use std::time::Duration;

use chassis::address::Allowlist;
use chassis::config::{Environment, Mode};
use url::Url;

use crate::compress::{METHODS, Method};
use crate::decision::{POLICIES, Policy, Rules, millionths};
use crate::score::Metric;

/// How often expired transfers and undelivered events are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(1_000);

/// What the handoff service is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// How targets are chosen.
    pub rules: Rules,
    /// How histories are compressed.
    pub compression: Compression,
    /// How candidates are asked.
    pub offers: Offers,
    /// How long a slot is held for a candidate.
    pub lease_ms: i64,
    /// How long a transfer may take until someone has accepted.
    pub ttl_ms: i64,
    /// How often expired transfers and undelivered events are looked for.
    pub sweep_interval: Duration,
    /// Where events go; without it they are kept for a while and forgotten.
    pub event_webhook: Option<Url>,
    /// Whether the words of agents are looked through for instructions.
    pub is_screening: bool,
}

/// How histories are compressed.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// The strategy.
    pub method: Method,
    /// The hard cap of a brief.
    pub tokens_max: i64,
    /// How many messages travel unchanged.
    pub recent_kept: usize,
    /// Whether personal data is masked.
    pub is_masked: bool,
}

/// How candidates are asked.
#[derive(Clone, Debug)]
pub struct Offers {
    /// Whether an agent must say yes in words.
    pub must_accept: bool,
    /// The most time for one offer.
    pub timeout: Duration,
    /// The largest payload that is sent.
    pub payload_bytes_max: usize,
    /// Hosts, ports and networks that outbound protection exempts.
    pub allowlist: Arc<Allowlist>,
    /// Whether A2A endpoints must be https.
    pub must_encrypt: bool,
}

impl Config {
    /// Reads the settings and notes every error in the environment.
    pub fn read(env: &mut Environment) -> Self {
        Self {
            rules: rules(env),
            compression: compression(env),
            offers: offers(env),
            lease_ms: env.millis("HANDOFF_LEASE_MS", 120_000, 1_000..=i64::MAX),
            ttl_ms: env.millis("HANDOFF_TTL_MS", 120_000, 1_000..=i64::MAX),
            sweep_interval: SWEEP_INTERVAL,
            event_webhook: env.url("EVENT_WEBHOOK_URL"),
            is_screening: env.choice(
                "PROMPT_INJECTION_ACTION",
                true,
                &[("off", false), ("flag", true), ("block", true)],
            ),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::of([] as [(&str, &str); 0]))
    }
}

fn rules(env: &mut Environment) -> Rules {
    let metrics = [("jaccard", Metric::Jaccard), ("coverage", Metric::Coverage)];
    let alternatives = env.integer("HANDOFF_MAX_ALTERNATIVES", 3, 0..=20);
    Rules {
        policy: env.choice("HANDOFF_POLICY", Policy::BestEffort, &POLICIES),
        metric: env.choice("HANDOFF_SKILL_METRIC", Metric::Jaccard, &metrics),
        confidence_min: millionths(env.number("HANDOFF_MIN_CONFIDENCE", 0.7, 0.0..=1.0)),
        ambiguity: millionths(env.number("HANDOFF_AMBIGUITY", 0.15, 0.0..=1.0)),
        alternatives_max: usize::try_from(alternatives).unwrap_or_default(),
        may_ask: env.choice("HANDOFF_ON_AMBIGUOUS", true, &[("ask", true), ("route", false)]),
    }
}

fn compression(env: &mut Environment) -> Compression {
    let recent = env.integer("HANDOFF_PRESERVE_RECENT", 3, 0..=100);
    Compression {
        method: env.choice("HANDOFF_COMPRESSION", Method::Hybrid, &METHODS),
        tokens_max: env.integer("HANDOFF_MAX_TOKENS", 2_000, 50..=100_000),
        recent_kept: usize::try_from(recent).unwrap_or_default(),
        is_masked: env.choice("HANDOFF_PII_POLICY", false, &[("allow", false), ("mask", true)]),
    }
}

fn offers(env: &mut Environment) -> Offers {
    let timeout = env.millis("HANDOFF_OFFER_TIMEOUT_MS", 30_000, 100..=i64::MAX);
    let bytes = env.integer("HANDOFF_MAX_PAYLOAD_BYTES", 1_048_576, 1_024..=i64::MAX);
    Offers {
        must_accept: env.boolean("HANDOFF_REQUIRE_ACCEPTANCE", false),
        timeout: Duration::from_millis(timeout.unsigned_abs()),
        payload_bytes_max: usize::try_from(bytes).unwrap_or(usize::MAX),
        allowlist: Arc::new(allowlist(env)),
        must_encrypt: env.mode() == Mode::Production,
    }
}

fn allowlist(env: &mut Environment) -> Allowlist {
    const NAME: &str = "AGENT_ENDPOINT_ALLOWLIST";
    Allowlist::parse(&env.list(NAME, &[])).unwrap_or_else(|malformed| {
        env.fault(NAME, malformed.to_string());
        Allowlist::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(settings: &[(&str, &str)]) -> String {
        let mut env = Environment::of(settings.iter().copied());
        Config::read(&mut env);
        env.finish().map_or_else(|errors| errors.to_string(), |()| String::new())
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = Config::default();
        assert_eq!(
            config.rules,
            Rules {
                policy: Policy::BestEffort,
                metric: Metric::Jaccard,
                confidence_min: 700_000,
                ambiguity: 150_000,
                alternatives_max: 3,
                may_ask: true,
            }
        );
        let compression = config.compression;
        assert_eq!((compression.method, compression.tokens_max), (Method::Hybrid, 2_000));
        assert_eq!((compression.recent_kept, compression.is_masked), (3, false));
        assert_eq!((config.lease_ms, config.ttl_ms), (120_000, 120_000));
        assert_eq!(config.offers.timeout, Duration::from_secs(30));
        assert_eq!(
            (config.offers.must_accept, config.offers.payload_bytes_max),
            (false, 1_048_576)
        );
    }

    #[test]
    fn every_setting_that_is_out_of_range_is_named() {
        let faulty = [
            ("HANDOFF_MIN_CONFIDENCE", "1.1"),
            ("HANDOFF_AMBIGUITY", "-0.1"),
            ("HANDOFF_ON_AMBIGUOUS", "guess"),
            ("HANDOFF_MAX_ALTERNATIVES", "21"),
            ("HANDOFF_POLICY", "loose"),
            ("HANDOFF_SKILL_METRIC", "cosine"),
            ("HANDOFF_COMPRESSION", "identity"),
            ("HANDOFF_MAX_TOKENS", "49"),
            ("HANDOFF_PRESERVE_RECENT", "101"),
            ("HANDOFF_REQUIRE_ACCEPTANCE", "maybe"),
            ("HANDOFF_OFFER_TIMEOUT_MS", "99"),
            ("HANDOFF_LEASE_MS", "999"),
            ("HANDOFF_TTL_MS", "999"),
            ("HANDOFF_MAX_PAYLOAD_BYTES", "1023"),
            ("HANDOFF_PII_POLICY", "hide"),
            ("AGENT_ENDPOINT_ALLOWLIST", "not a host!"),
            ("EVENT_WEBHOOK_URL", "nowhere"),
        ];
        let errors = errors(&faulty);
        for (name, _) in faulty {
            assert!(errors.contains(name), "{name} is not among: {errors}");
        }
    }
}
