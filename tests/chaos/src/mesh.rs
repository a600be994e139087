//! Two columns of services on one Postgres and one Redis. They share a classifier and a registry.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use fleet::{Column, Ports, SERVICES, Signal, common, wait_for};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::agents::{self, Desks};
use crate::client::Client;
use crate::plan::Plan;
use crate::stores::Stores;
use crate::victim::Victim;

/// What keys in Redis begin with.
const PREFIX: &str = "chaos:";
/// How long a store may take to listen.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often the mesh is looked at while it heals.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// What the second column uses of the first.
const SHARED: [&str; 2] = ["classifier", "registry"];

/// Short times, so that what is left behind by the dead is cleared within the run.
const SETTINGS: [(&str, &str); 18] = [
    ("MESH_ENV", "test"),
    ("LOG_LEVEL", "warn"),
    ("DATABASE_MAX_CONNECTIONS", "8"),
    ("GATEWAY_REPLICAS", "2"),
    ("AGENT_HEALTH_INTERVAL_MS", "0"),
    ("TURN_TIMEOUT_MS", "8000"),
    ("TURN_LEASE_MS", "1500"),
    ("MCP_REQUEST_TIMEOUT_MS", "2000"),
    // Half a minute: a place that could not be given back is free after it.
    ("SESSION_TTL_MINUTES", "0.5"),
    ("SESSION_MAX_TURNS", "1000"),
    ("BUDGET_RESERVATION_TTL_MS", "4000"),
    ("CIRCUIT_BREAKER_RESET_TIMEOUT_MS", "300"),
    ("CIRCUIT_BREAKER_HALF_OPEN_TIMEOUT_MS", "2000"),
    ("CB_SYNC_INTERVAL_MS", "1000"),
    ("HANDOFF_OFFER_TIMEOUT_MS", "1000"),
    ("HANDOFF_LEASE_MS", "3000"),
    ("HANDOFF_TTL_MS", "6000"),
    ("SHUTDOWN_GRACE_MS", "4000"),
];

/// Everything that runs.
pub(crate) struct Mesh {
    /// Where customers reach it.
    pub(crate) gateways: Vec<SocketAddr>,
    /// Who may be hurt.
    pub(crate) victims: Vec<Victim>,
    /// Where Postgres is.
    pub(crate) database: String,
    /// Where Redis is, and what our keys begin with.
    pub(crate) redis: (Url, String),
    stores: CancellationToken,
    services: CancellationToken,
}

impl Mesh {
    /// Starts stores and services in a folder, with the definitions of these agents.
    pub(crate) async fn start(
        folder: &Path,
        programs: &Path,
        desks: &Desks,
    ) -> anyhow::Result<Self> {
        for name in ["agents", "logs"] {
            std::fs::create_dir(folder.join(name))?;
        }
        agents::define(&folder.join("agents"), desks.address())?;
        let mut ports = Ports::default();
        let stores = Stores::prepare(folder, &mut ports).await?;
        let (stop_stores, stop_services) = (CancellationToken::new(), CancellationToken::new());
        let are_ours = !stores.programs.is_empty();
        let start = |(program, goodbye)| Victim::start(program, goodbye, &stop_stores);
        let mut victims: Vec<_> = stores.programs.into_iter().map(start).collect();
        let redis: Url = stores.redis.parse()?;
        let database = if are_ours {
            for url in [&stores.database.parse()?, &redis] {
                wait_for(address(url)?, START_LIMIT).await?;
            }
            stores.database
        } else {
            chassis::testing::postgres_url_on(&stores.database).await
        };
        let prefix = format!("{PREFIX}{}:", std::process::id());
        let mut settings = common(folder)?;
        settings.extend(SETTINGS.map(|(name, value)| (name, value.to_owned())));
        settings.extend([
            ("DATABASE_URL", database.clone()),
            ("REDIS_URL", redis.to_string()),
            ("REDIS_PREFIX", prefix.clone()),
        ]);
        let columns = columns(&mut ports)?;
        for (number, column) in columns.iter().enumerate() {
            let is_own = |name: &str| number == 0 || !SHARED.contains(&name);
            for service in SERVICES.into_iter().filter(|service| is_own(service.name)) {
                let mut program = column.program(service, (programs, folder), &settings);
                anyhow::ensure!(program.path.is_file(), "{} is not built", program.path.display());
                program.name = format!("{}-{}", service.name, number + 1);
                program.logs = Some(folder.join("logs"));
                victims.push(Victim::start(program, Signal::TERM, &stop_services));
            }
        }
        let gateways = columns.map(|column| column.http).to_vec();
        let redis = (redis, prefix);
        Ok(Self {
            gateways,
            victims,
            database,
            redis,
            stores: stop_stores,
            services: stop_services,
        })
    }

    /// Does what the plan says, when it says so.
    pub(crate) async fn suffer(&self, plan: &Plan, began: Instant) {
        for blow in &plan.blows {
            tokio::time::sleep_until(began + blow.at).await;
            self.victims[blow.victim].hurt(*blow);
        }
    }

    /// Resolves when every gateway says that all is well.
    pub(crate) async fn wait_until_healthy(
        &self,
        client: &Client,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let healthy = async {
            for gateway in 0..self.gateways.len() {
                while !client.is_healthy(gateway).await {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
            }
        };
        tokio::time::timeout(limit, healthy).await.context("the mesh does not become healthy")
    }

    /// Ends the services, then the stores.
    pub(crate) async fn stop(self) {
        self.services.cancel();
        let (services, stores): (Vec<_>, Vec<_>) =
            self.victims.into_iter().partition(|victim| victim.name.contains('-'));
        for victim in services {
            victim.ended().await;
        }
        self.stores.cancel();
        for victim in stores {
            victim.ended().await;
        }
    }
}

fn columns(ports: &mut Ports) -> anyhow::Result<[Column; 2]> {
    let (first, mut second) = (Column::draw(ports)?, Column::draw(ports)?);
    for (at, service) in SERVICES.iter().enumerate() {
        if SHARED.contains(&service.name) {
            second.grpc[at] = first.grpc[at];
        }
    }
    Ok([first, second])
}

fn address(url: &Url) -> anyhow::Result<SocketAddr> {
    let addresses = url.socket_addrs(|| None)?;
    addresses.first().copied().context("a store has an address")
}
