//! The settings of the gateway.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chassis::Mode;
use chassis::config::Environment;
use url::Url;

/// The key of a person who has set none, on their own machine.
const DEVELOPMENT_KEY: &str = "dev-key";
/// What a plain key must have in production.
pub(crate) const KEY_CHARACTERS_MIN: usize = 16;
/// A bucket and its window stay within what a script computes exactly.
const BUCKET_MAX: i64 = 10_000_000;
const WINDOW_MAX_MS: i64 = 86_400_000;

/// Where the first key comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// API_KEY.
    Text(String),
    /// API_KEY_FILE.
    File(PathBuf),
    /// The known key of development on loopback.
    Development,
    /// Nowhere: nobody can be let in.
    Missing,
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::File(_) => "File",
            Self::Development => "Development",
            Self::Missing => "Missing",
        })
    }
}

/// How many requests within which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The requests.
    pub max: i64,
    /// The time.
    pub window_ms: i64,
}

/// The settings of sockets.
#[derive(Clone, Copy, Debug)]
pub struct Sockets {
    /// WS_MAX_CONNECTIONS_PER_KEY.
    pub per_key_max: usize,
    /// WS_QUEUE_FRAMES.
    pub queue_frames: usize,
    /// WS_PING_INTERVAL_MS.
    pub ping_interval: Duration,
}

/// How an employee of a Slack workspace is looked up.
#[derive(Clone)]
pub struct Slack {
    /// SLACK_BOT_TOKEN.
    pub token: String,
    /// SLACK_EMPLOYEE_FIELD.
    pub employee_field: Option<String>,
    /// SLACK_API_BASE.
    pub base: Url,
}

impl std::fmt::Debug for Slack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slack").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What the gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// MESH_ENV.
    pub mode: Mode,
    /// MESH_LISTEN and PORT.
    pub listen: SocketAddr,
    /// API_KEY or API_KEY_FILE.
    pub key: KeySource,
    /// API_KEYS_FILE.
    pub keys_file: Option<PathBuf>,
    /// CORS_ALLOW_ORIGIN.
    pub origins: Vec<String>,
    /// ALLOW_ANONYMOUS.
    pub allow_anonymous: bool,
    /// ENABLE_TLS_REDIRECT, in production.
    pub redirects_to_tls: bool,
    /// ENABLE_RATE_LIMITING.
    pub limits_rates: bool,
    /// Of an address: RATE_LIMIT_IP_MAX_REQUESTS.
    pub ip_rate: Rate,
    /// Of a key that has none of its own: RATE_LIMIT_MAX_REQUESTS.
    pub key_rate: Rate,
    /// GATEWAY_REPLICAS.
    pub replicas: i64,
    /// TRUSTED_PROXY_HOPS.
    pub proxy_hops: usize,
    /// WS_*.
    pub sockets: Sockets,
    /// MAX_BODY_BYTES.
    pub body_bytes_max: usize,
    /// EVENT_REPLAY_MS.
    pub replay_ms: i64,
    /// TURN_TIMEOUT_MS.
    pub turn_timeout: Duration,
    /// SERVICE_MAX_CONCURRENCY: how many turns it has under way at once.
    pub turns_max: usize,
    /// SLACK_*.
    pub slack: Option<Slack>,
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}

impl Config {
    /// Reads the settings; what is wrong with them is kept in the environment.
    pub fn read(env: &mut Environment) -> Self {
        let mode = env.mode();
        let listen = listen(env, mode);
        let window_ms = env.millis("RATE_LIMIT_WINDOW_MS", 900_000, 1_000..=WINDOW_MAX_MS);
        let key_max = env.integer("RATE_LIMIT_MAX_REQUESTS", 100, 1..=BUCKET_MAX);
        let ip_max = env.integer("RATE_LIMIT_IP_MAX_REQUESTS", 300, 1..=BUCKET_MAX);
        let wants_tls = env.boolean("ENABLE_TLS_REDIRECT", true);
        Self {
            mode,
            listen,
            key: key(env, mode, listen),
            keys_file: env.text("API_KEYS_FILE").map(PathBuf::from),
            origins: env.list("CORS_ALLOW_ORIGIN", &[]),
            allow_anonymous: env.boolean("ALLOW_ANONYMOUS", false),
            redirects_to_tls: wants_tls && mode == Mode::Production,
            limits_rates: env.boolean("ENABLE_RATE_LIMITING", true),
            ip_rate: Rate { max: ip_max, window_ms },
            key_rate: Rate { max: key_max, window_ms },
            replicas: env.integer("GATEWAY_REPLICAS", 1, 1..=10_000),
            proxy_hops: size(env.integer("TRUSTED_PROXY_HOPS", 0, 0..=10)),
            sockets: Sockets {
                per_key_max: size(env.integer("WS_MAX_CONNECTIONS_PER_KEY", 1_000, 1..=1_000_000)),
                queue_frames: size(env.integer("WS_QUEUE_FRAMES", 256, 8..=65_536)),
                ping_interval: time(env.millis("WS_PING_INTERVAL_MS", 30_000, 1_000..=3_600_000)),
            },
            body_bytes_max: size(env.integer("MAX_BODY_BYTES", 1_048_576, 1_024..=1_073_741_824)),
            replay_ms: env.millis("EVENT_REPLAY_MS", 300_000, 0..=3_600_000),
            turn_timeout: time(env.millis("TURN_TIMEOUT_MS", 60_000, 1_000..=900_000)),
            turns_max: chassis::config::calls_max(env),
            slack: slack(env),
        }
    }

    /// Whether callers get in with the known key of development.
    #[must_use]
    pub fn uses_development_key(&self) -> bool {
        self.key == KeySource::Development
    }

    /// The key of development, for the one place that lets it in.
    pub(crate) fn development_key() -> &'static str {
        DEVELOPMENT_KEY
    }
}

fn listen(env: &mut Environment, mode: Mode) -> SocketAddr {
    let default = match mode {
        Mode::Production => Ipv4Addr::UNSPECIFIED,
        Mode::Development | Mode::Test => Ipv4Addr::LOCALHOST,
    };
    // Tests take any free port.
    let lowest = i64::from(mode != Mode::Test);
    let port = env.integer("PORT", 3_000, lowest..=65_535);
    let port = u16::try_from(port).expect("the range fits");
    let text = env.text_or("MESH_LISTEN", &default.to_string());
    let address = text.parse::<IpAddr>().unwrap_or_else(|_| {
        env.fault("MESH_LISTEN", format!("'{text}' is not an address such as 127.0.0.1"));
        IpAddr::V4(default)
    });
    SocketAddr::new(address, port)
}

fn key(env: &mut Environment, mode: Mode, listen: SocketAddr) -> KeySource {
    let text = env.text("API_KEY").map(|text| text.trim().to_owned());
    match (text, env.text("API_KEY_FILE")) {
        (Some(text), _) => {
            if mode == Mode::Production && text.chars().count() < KEY_CHARACTERS_MIN {
                let message = format!("needs at least {KEY_CHARACTERS_MIN} characters");
                env.fault("API_KEY", message);
            }
            KeySource::Text(text)
        }
        (None, Some(path)) => KeySource::File(PathBuf::from(path)),
        (None, None) if mode == Mode::Development && listen.ip().is_loopback() => {
            KeySource::Development
        }
        (None, None) => {
            env.fault("API_KEY", "required, or API_KEY_FILE");
            KeySource::Missing
        }
    }
}

fn slack(env: &mut Environment) -> Option<Slack> {
    let base = env.url_or("SLACK_API_BASE", "https://slack.com/api");
    let employee_field = env.text("SLACK_EMPLOYEE_FIELD");
    let token = env.text("SLACK_BOT_TOKEN")?;
    Some(Slack { token, employee_field, base })
}

fn size(number: i64) -> usize {
    usize::try_from(number).expect("the range is positive")
}

fn time(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Config, Result<(), String>) {
        let mut env = Environment::of(pairs.iter().copied());
        let config = Config::read(&mut env);
        (config, env.finish().map_err(|errors| errors.to_string()))
    }

    #[test]
    fn the_known_key_is_for_development_on_loopback_alone() {
        assert!(read(&[]).0.uses_development_key());
        let cases: [&[(&str, &str)]; 4] = [
            &[("MESH_LISTEN", "0.0.0.0")],
            &[("MESH_ENV", "test")],
            &[("MESH_ENV", "production")],
            &[("MESH_ENV", "production"), ("MESH_LISTEN", "127.0.0.1")],
        ];
        for case in cases {
            let (config, result) = read(case);
            assert_eq!(config.key, KeySource::Missing, "{case:?}");
            assert!(result.unwrap_err().contains("API_KEY: required"), "{case:?}");
        }
        assert!(!read(&[("API_KEY", "x")]).0.uses_development_key());
    }

    #[test]
    fn production_refuses_a_short_key_and_listens_everywhere() {
        let (_, result) = read(&[("MESH_ENV", "production"), ("API_KEY", "fifteen-letters")]);
        assert!(result.unwrap_err().contains("at least 16 characters"));
        let (config, result) = read(&[("NODE_ENV", "production"), ("API_KEY", "sixteen-letters-")]);
        assert_eq!(result, Ok(()));
        assert_eq!(config.listen.to_string(), "0.0.0.0:3000");
    }

    #[test]
    fn a_key_is_not_shown() {
        let shown = format!("{:?}", read(&[("API_KEY", "secret"), ("SLACK_BOT_TOKEN", "hush")]).0);
        assert!(!shown.contains("secret") && !shown.contains("hush"), "{shown}");
    }
}
