//! Redis: a connection that comes back by itself, keys under a prefix, and scripts as single steps.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisError, Script};
use tracing::Instrument as _;
use url::Url;

const RESPONSE_LIMIT: Duration = Duration::from_secs(1);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
const RETRY_WAIT_MAX: Duration = Duration::from_secs(2);

/// A connection to Redis, shared by all that use it.
#[derive(Clone)]
pub struct Redis {
    manager: ConnectionManager,
    url: Arc<str>,
    prefix: Arc<str>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Redis {
    /// Opens a connection, which need not succeed yet: Redis may come later, and go.
    pub fn open(url: &Url, prefix: &str) -> Result<Self, RedisError> {
        let client = Client::open(url.as_str())?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_LIMIT))
            .set_connection_timeout(Some(CONNECT_LIMIT))
            .set_max_delay(RETRY_WAIT_MAX);
        let manager = ConnectionManager::new_lazy_with_config(client, config)?;
        Ok(Self { manager, url: Arc::from(url.as_str()), prefix: Arc::from(prefix) })
    }

    /// The name with the prefix of this installation.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The shared connection.
    #[must_use]
    pub fn connection(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// Where Redis is, for a connection of one's own.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a script as one step, within a second.
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<T, RedisError> {
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(key);
        }
        for argument in arguments {
            call.arg(argument);
        }
        let mut connection = self.connection();
        let late = || RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        tokio::time::timeout(RESPONSE_LIMIT, call.invoke_async(&mut connection))
            .instrument(tracing::debug_span!("redis.script"))
            .await
            .unwrap_or_else(|_| Err(late()))
    }
}
