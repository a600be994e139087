use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use super::{Environment, Mode};

/// Settings that every binary shares.
#[derive(Clone, Debug)]
pub struct Common {
    /// MESH_ENV.
    pub mode: Mode,
    /// DATABASE_URL: Postgres; absent, an embedded file.
    pub database_url: Option<Url>,
    /// DATABASE_MAX_CONNECTIONS.
    pub database_max_connections: u32,
    /// MESH_DB_PATH.
    pub database_path: PathBuf,
    /// REDIS_URL.
    pub redis_url: Option<Url>,
    /// REDIS_PREFIX, before every key, stream and channel.
    pub redis_prefix: String,
    /// INTERNAL_TOKEN, that calls between binaries carry.
    pub internal_token: Option<String>,
    /// LOG_HASH_KEY, under which user ids appear in logs; random when unset.
    pub log_hash_key: Option<String>,
    /// LOG_LEVEL.
    pub log_level: String,
    /// OTEL_EXPORTER_OTLP_ENDPOINT.
    pub otlp_endpoint: Option<Url>,
    /// SERVICE_MAX_CONCURRENCY.
    pub calls_max: usize,
    /// SHUTDOWN_GRACE_MS.
    pub shutdown_grace_ms: i64,
    /// GRPC_LISTEN.
    pub grpc_listen: SocketAddr,
    /// ADMIN_LISTEN.
    pub admin_listen: SocketAddr,
}

/// The default ports of a binary.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Of the gRPC listener.
    pub grpc: u16,
    /// Of the admin listener.
    pub admin: u16,
}

impl Common {
    /// Reads the shared settings. `database` is the default name of the embedded file.
    pub fn read(env: &mut Environment, ports: Ports, database: &str) -> Self {
        let internal_token = secret(env, "INTERNAL_TOKEN");
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let grpc_host = if internal_token.is_some() { everywhere } else { loopback };
        Self {
            mode: env.mode(),
            database_url: store_url(env, "DATABASE_URL", &["postgres", "postgresql"]),
            database_max_connections: u32::try_from(env.integer(
                "DATABASE_MAX_CONNECTIONS",
                10,
                1..=500,
            ))
            .expect("the range fits"),
            database_path: env.path("MESH_DB_PATH", database),
            redis_url: store_url(env, "REDIS_URL", &["redis", "rediss"]),
            redis_prefix: env.text_or("REDIS_PREFIX", ""),
            internal_token,
            log_hash_key: secret(env, "LOG_HASH_KEY"),
            log_level: level(env),
            otlp_endpoint: env.url("OTEL_EXPORTER_OTLP_ENDPOINT"),
            calls_max: calls_max(env),
            shutdown_grace_ms: env.millis("SHUTDOWN_GRACE_MS", 10_000, 0..=600_000),
            grpc_listen: env
                .address("GRPC_LISTEN", &SocketAddr::new(grpc_host, ports.grpc).to_string()),
            admin_listen: env
                .address("ADMIN_LISTEN", &SocketAddr::new(loopback, ports.admin).to_string()),
        }
    }

    /// Separate binaries talk over a network: in production they must prove who they are.
    pub fn require_token(&self, env: &mut Environment) {
        if self.mode == Mode::Production && self.internal_token.is_none() {
            env.fault("INTERNAL_TOKEN", "required by a separate binary in production");
        }
    }
}

/// SERVICE_MAX_CONCURRENCY: how much a process works on at once before it sends callers away.
pub fn calls_max(env: &mut Environment) -> usize {
    let calls = env.integer("SERVICE_MAX_CONCURRENCY", 1_024, 1..=65_536);
    usize::try_from(calls).expect("the range fits")
}

fn secret(env: &mut Environment, name: &str) -> Option<String> {
    let text = env.text(name)?;
    if text.chars().count() < 16 {
        env.fault(name, "needs at least 16 characters");
    }
    Some(text)
}

fn store_url(env: &mut Environment, name: &str, schemes: &[&str]) -> Option<Url> {
    let url = env.url(name)?;
    if !schemes.contains(&url.scheme()) {
        env.fault(name, format!("the scheme is none of {}", schemes.join(", ")));
    }
    Some(url)
}

fn level(env: &mut Environment) -> String {
    let names = ["debug", "info", "warn", "error"];
    let choices = names.map(|name| (name, name));
    env.choice("LOG_LEVEL", "info", &choices).to_owned()
}
