//! The look at each dependency: a call that costs little, within two seconds, all at once.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use chassis::link;
use proto::v1::{
    GetStatusRequest, GetStatusResponse, ListAgentsRequest, ListBreakersRequest,
    ListBudgetsRequest, ListHandoffsRequest, ListSessionsRequest, Snapshot,
};
use tokio::time::Instant;
use tonic::{Response, Status};
use uuid::Uuid;

use super::Check;
use crate::front::{Front, own_context};

const LIMIT: Duration = Duration::from_secs(2);
/// Without these the mesh still answers.
const DISPENSABLE: [&str; 2] = ["redis", "llm"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) checks: BTreeMap<&'static str, Check>,
    pub(super) agents: Vec<String>,
    pub(super) default_agent: String,
}

impl Findings {
    /// Looks at everything.
    pub(super) async fn gather(front: &Front) -> Self {
        let context = Some(own_context(&Uuid::new_v4().to_string()));
        let peers = &front.peers;
        let (mut registry, mut classifier) = (peers.registry(), peers.classifier());
        let (mut budget, mut handoff) = (peers.budget(), peers.handoff());
        let (mut router, mut database) = (peers.router(), peers.router());
        let sessions =
            ListSessionsRequest { context: context.clone(), limit: 1, ..Default::default() };
        let handoffs =
            ListHandoffsRequest { context: context.clone(), limit: 1, ..Default::default() };
        let (registry, classifier, budget, handoff, router, database, redis) = tokio::join!(
            look(registry.list_agents(within(ListAgentsRequest { context: context.clone() }))),
            look(classifier.get_status(within(GetStatusRequest { context: context.clone() }))),
            look(budget.list_budgets(within(ListBudgetsRequest { context: context.clone() }))),
            look(handoff.list_handoffs(within(handoffs))),
            look(router.list_breakers(within(ListBreakersRequest { context }))),
            look(database.list_sessions(within(sessions))),
            ping(front.redis.as_ref()),
        );
        let mut findings = Self::default();
        findings.agents(registry);
        findings.classifier(classifier);
        findings.note("budget", budget.1, budget.0.is_some());
        findings.note("handoff", handoff.1, handoff.0.is_some());
        findings.note("router", router.1, router.0.is_some());
        findings.note("database", database.1, database.0.is_some());
        if let Some((is_there, latency)) = redis {
            findings.note("redis", latency, is_there);
        }
        findings
    }

    /// `healthy`, `degraded` or `unhealthy`.
    pub(super) fn verdict(&self) -> &'static str {
        let failed = || self.checks.iter().filter(|(_, check)| check.status == "fail");
        if failed().any(|(name, _)| !DISPENSABLE.contains(name)) {
            "unhealthy"
        } else if failed().next().is_some() {
            "degraded"
        } else {
            "healthy"
        }
    }

    fn agents(&mut self, (snapshot, latency): (Option<Snapshot>, Duration)) {
        let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.agents.is_empty()) else {
            return self.note("registry", latency, false);
        };
        let ids = snapshot.agents.into_iter().filter_map(|state| state.agent);
        self.agents = ids.map(|agent| agent.agent_id).collect();
        self.agents.sort();
        self.default_agent = snapshot.default_agent_id;
        self.note("registry", latency, true);
        if let Some(check) = self.checks.get_mut("registry") {
            check.message = Some(format!("{} agents loaded", self.agents.len()));
        }
    }

    fn classifier(&mut self, (status, latency): (Option<GetStatusResponse>, Duration)) {
        self.note("classifier", latency, status.is_some());
        if let Some(status) = status.filter(|status| status.mode == "llm") {
            self.note("llm", latency, status.provider_state != "open");
        }
    }

    fn note(&mut self, name: &'static str, latency: Duration, is_there: bool) {
        let status = if is_there { "pass" } else { "fail" };
        let message = (!is_there).then(|| "unavailable".to_owned());
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.checks.insert(name, Check { status, message, latency_ms });
    }
}

fn within<T>(message: T) -> tonic::Request<T> {
    link::within(message, LIMIT)
}

/// What a peer says in time, and how long it took.
async fn look<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> (Option<T>, Duration) {
    let began = Instant::now();
    let answer = tokio::time::timeout(LIMIT, call).await;
    (answer.ok().and_then(Result::ok).map(Response::into_inner), began.elapsed())
}

async fn ping(redis: Option<&chassis::Redis>) -> Option<(bool, Duration)> {
    let mut connection = redis?.connection();
    let began = Instant::now();
    let command = redis::cmd("PING");
    let pong = command.query_async::<String>(&mut connection);
    let is_there = matches!(tokio::time::timeout(LIMIT, pong).await, Ok(Ok(_)));
    Some((is_there, began.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(failing: &[&'static str]) -> &'static str {
        let mut findings = Findings::default();
        for name in ["registry", "database", "redis", "classifier", "llm", "budget", "router"] {
            findings.note(name, Duration::ZERO, !failing.contains(&name));
        }
        findings.verdict()
    }

    #[test]
    fn only_redis_and_the_llm_can_be_done_without() {
        assert_eq!(verdict(&[]), "healthy");
        assert_eq!(verdict(&["redis"]), "degraded");
        assert_eq!(verdict(&["redis", "llm"]), "degraded");
        assert_eq!(verdict(&["redis", "database"]), "unhealthy");
        assert_eq!(verdict(&["registry"]), "unhealthy");
    }
}
