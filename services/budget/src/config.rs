//! The settings of the budget.

use std::path::PathBuf;

use chassis::config::Environment;
use url::Url;

use crate::pricing::Unknown;

/// How money is guarded.
#[derive(Clone, Debug)]
pub struct Config {
    /// BUDGET_RESERVATION_TTL_MS; 0 is as the caller asks, else twice the dispatch timeout.
    pub reservation_ttl_ms: i64,
    /// MCP_REQUEST_TIMEOUT_MS, by which the automatic TTL goes.
    pub dispatch_timeout_ms: i64,
    /// BUDGET_SWEEP_INTERVAL_MS.
    pub sweep_interval_ms: i64,
    /// BUDGET_BATCH_MAX.
    pub batch_max: usize,
    /// BUDGET_BATCH_WAIT_MS.
    pub batch_wait_ms: i64,
    /// BUDGET_DEFAULT_ESTIMATE_USD.
    pub default_estimate_micros: i64,
    /// BUDGET_OUTPUT_RATIO, in millionths.
    pub output_ratio: i64,
    /// BUDGET_MAX_ACTUAL_USD.
    pub max_actual_micros: i64,
    /// BUDGET_UNKNOWN_PRICE.
    pub unknown: Unknown,
    /// BUDGETS_FILE.
    pub budgets_file: Option<PathBuf>,
    /// PRICING_FILE.
    pub pricing_file: Option<PathBuf>,
    /// EVENT_WEBHOOK_URL.
    pub event_webhook: Option<Url>,
}

impl Config {
    /// Reads the settings; faults stay in the environment.
    pub fn read(env: &mut Environment) -> Self {
        let unknown = [
            ("max_known_price", Unknown::MaxKnownPrice),
            ("default_price", Unknown::DefaultPrice),
            ("deny", Unknown::Deny),
        ];
        Self {
            reservation_ttl_ms: ttl_ms(env),
            dispatch_timeout_ms: env.millis(
                "MCP_REQUEST_TIMEOUT_MS",
                30_000,
                1_000..=i64::from(i32::MAX),
            ),
            sweep_interval_ms: env.millis("BUDGET_SWEEP_INTERVAL_MS", 1_000, 100..=3_600_000),
            batch_max: usize::try_from(env.integer("BUDGET_BATCH_MAX", 256, 1..=4_096))
                .expect("the range fits"),
            batch_wait_ms: env.integer("BUDGET_BATCH_WAIT_MS", 0, 0..=100),
            default_estimate_micros: env.micros(
                "BUDGET_DEFAULT_ESTIMATE_USD",
                50_000,
                0..=100_000_000,
            ),
            output_ratio: env.micros("BUDGET_OUTPUT_RATIO", 500_000, 0..=10_000_000),
            max_actual_micros: env.micros("BUDGET_MAX_ACTUAL_USD", 100_000_000, 1..=i64::MAX / 2),
            unknown: env.choice("BUDGET_UNKNOWN_PRICE", Unknown::MaxKnownPrice, &unknown),
            budgets_file: env.text("BUDGETS_FILE").map(PathBuf::from),
            pricing_file: env.text("PRICING_FILE").map(PathBuf::from),
            event_webhook: env.url("EVENT_WEBHOOK_URL"),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}

fn ttl_ms(env: &mut Environment) -> i64 {
    if env.text("BUDGET_RESERVATION_TTL_MS").as_deref() == Some("0") {
        return 0;
    }
    env.millis("BUDGET_RESERVATION_TTL_MS", 0, 1_000..=i64::from(i32::MAX))
}
