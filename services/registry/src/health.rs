//! Probes of agents: is anybody there?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chassis::Life;
use chassis::address::Allowlist;
use chassis::connect::{Connector, Resolver};
use futures::StreamExt as _;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::MissedTickBehavior;
use url::Url;

use crate::definition::set::Set;
use crate::roster::Roster;

/// How long an agent may take to answer a probe.
const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// How many probes are under way at once.
const PROBES_MAX: usize = 32;

/// Asks agents for `/health` at the origin of their endpoint.
pub struct Prober {
    roster: Arc<Roster>,
    client: Client<Connector, Empty<Bytes>>,
}

impl Prober {
    /// A prober that keeps to the rules of outbound protection.
    pub fn new(
        roster: Arc<Roster>,
        allowlist: Arc<Allowlist>,
        resolver: Arc<dyn Resolver>,
    ) -> Self {
        let connector = Connector::new(allowlist, resolver).within(PROBE_LIMIT);
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(connector);
        Self { roster, client }
    }

    /// Probes all agents at each interval until the process ends.
    pub async fn run(self, interval: Duration, life: Life) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let round = async {
                ticks.tick().await;
                self.round().await;
            };
            tokio::select! {
                () = life.stopping() => return,
                () = round => {}
            }
        }
    }

    async fn round(&self) {
        let results: Vec<_> = futures::stream::iter(origins(&self.roster.board.set()))
            .map(async |(origin, agent_ids)| {
                let is_alive = self.is_alive(&origin).await;
                agent_ids.into_iter().map(move |agent_id| (agent_id, is_alive))
            })
            .buffer_unordered(PROBES_MAX)
            .collect()
            .await;
        let results: Vec<_> = results.into_iter().flatten().collect();
        self.roster.board.probed(&results);
    }

    /// Whether anybody answers; whoever knows no `/health` is there too.
    async fn is_alive(&self, origin: &str) -> bool {
        let Ok(url) = format!("{origin}/health").parse() else { return false };
        match tokio::time::timeout(PROBE_LIMIT, self.client.get(url)).await {
            Ok(Ok(response)) => !response.status().is_server_error(),
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// The agents by the origin of their endpoint, since those who share one share its health.
fn origins(set: &Set) -> BTreeMap<String, Vec<String>> {
    let mut origins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for agent in &set.agents {
        if let Ok(url) = Url::parse(&agent.endpoint) {
            let origin = url.origin().ascii_serialization();
            origins.entry(origin).or_default().push(agent.agent_id.clone());
        }
    }
    origins
}

#[cfg(test)]
mod tests;
