//! Whether all that the gateway needs is there.

mod checks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::clock;
use http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

use self::checks::Findings;
use crate::front::Front;
use crate::time::Time;

/// For how long one look counts, since anybody may ask at any rate.
const FRESH: Duration = Duration::from_millis(250);

/// What every health body says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    timestamp: Time,
}

impl Alive {
    pub(crate) fn now(status: &'static str) -> Self {
        let timestamp = Time(clock::now_ms());
        Self { status, service: "handoff-mesh", version: env!("CARGO_PKG_VERSION"), timestamp }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Check {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    latency_ms: u64,
}

/// The body of a deep look.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct Report {
    #[serde(flatten)]
    alive: Alive,
    uptime_ms: u64,
    checks: BTreeMap<&'static str, Check>,
    agents: Vec<String>,
    #[serde(rename = "defaultAgent")]
    default_agent: String,
}

/// Looks at the dependencies, for all who ask at the same time at once.
pub(crate) struct Probe {
    began: Instant,
    latest: Mutex<Option<(Instant, Arc<Findings>)>>,
}

impl Default for Probe {
    fn default() -> Self {
        Self { began: Instant::now(), latest: Mutex::new(None) }
    }
}

impl Probe {
    /// What a deep look says now.
    pub(crate) async fn report(&self, front: &Front) -> (StatusCode, Report) {
        let findings = self.findings(front).await;
        let status = match findings.verdict() {
            _ if front.drain.is_draining() => "unhealthy",
            verdict => verdict,
        };
        let code = match status {
            "unhealthy" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        let report = Report {
            alive: Alive::now(status),
            uptime_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            checks: findings.checks.clone(),
            agents: findings.agents.clone(),
            default_agent: findings.default_agent.clone(),
        };
        (code, report)
    }

    async fn findings(&self, front: &Front) -> Arc<Findings> {
        let mut latest = self.latest.lock().await;
        if let Some((at, findings)) = &*latest
            && at.elapsed() < FRESH
        {
            return findings.clone();
        }
        // Seven calls at once are more than a caller's stack should hold.
        let findings = Arc::new(Box::pin(Findings::gather(front)).await);
        *latest = Some((Instant::now(), findings.clone()));
        findings
    }
}
