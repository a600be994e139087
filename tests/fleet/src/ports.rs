//! Ports of loopback that a process can have again after it has died.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::time::Duration;

use anyhow::Context as _;
use rand::Rng as _;
use tokio::net::TcpStream;

/// Below the ports that the system gives to connections, so that nobody gets one of ours while its owner is dead.
const RANGE: Range<u16> = 10_000..30_000;
/// How often a port is looked at again.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Draws ports that nobody listens on, each once.
#[derive(Debug)]
pub struct Ports {
    next: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { next: rand::rng().random_range(RANGE) }
    }
}

impl Ports {
    /// The next port that is free right now.
    pub fn draw(&mut self) -> anyhow::Result<SocketAddr> {
        for _ in RANGE {
            let port = self.next;
            self.next = if port + 1 < RANGE.end { port + 1 } else { RANGE.start };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
            }
        }
        anyhow::bail!("no port of {RANGE:?} is free")
    }
}

/// Waits until somebody listens.
pub async fn wait_for(address: SocketAddr, limit: Duration) -> anyhow::Result<()> {
    let connected = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    let connected = tokio::time::timeout(limit, connected).await;
    connected.with_context(|| format!("nobody listens on {address}"))
}
