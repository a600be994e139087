use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chassis::{Link, Mode, Redis, Resources};
use proto::v1::DefinitionFile;
use proto::v1::registry_client::RegistryClient;
use tonic::{Code, Streaming};

use super::*;
use crate::Config;

mod changes;
mod slots;

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(10);

fn definition(agent_id: &str, rest: &str) -> String {
    let is_default = agent_id == "front";
    let threshold = if is_default { "0" } else { "0.7" };
    format!(
        "agent_id: {agent_id}\ndisplay_name: {agent_id}\ndescription: d\ntype: mcp\n\
         endpoint: https://8.8.8.8/{agent_id}\nis_default: {is_default}\n\
         confidence_threshold: {threshold}\nclarification_required: false\nexamples: [hello]\n{rest}"
    )
}

struct Running {
    folder: PathBuf,
    client: RegistryClient<Link>,
    life: Life,
}

impl Running {
    async fn with(change: impl FnOnce(&mut Config), redis: Option<Redis>) -> Self {
        let folder = chassis::testing::folder();
        let write = |name: &str, text: String| {
            std::fs::write(folder.join(name), text).expect("a temporary folder takes files");
        };
        write("front.yaml", definition("front", ""));
        write("sales.yaml", definition("sales", "max_concurrent_sessions: 1\n"));
        let mut config = Config { folder, health_interval_ms: None, ..Config::default() };
        change(&mut config);
        let life = Life::new();
        let (database, mode, resolver) = (None, Mode::Test, chassis::connect::system());
        let resources = Resources { database, redis, life: life.clone(), mode, resolver };
        let server = crate::build(&config, &resources).await.expect("the definitions are valid");
        Self { folder: config.folder, client: RegistryClient::new(Link::local(server)), life }
    }

    async fn start() -> Self {
        Self::with(|_| {}, None).await
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("a temporary folder takes files");
    }

    async fn list(&mut self) -> Snapshot {
        let reply = self.client.list_agents(ListAgentsRequest::default()).await;
        reply.expect("the registry answers").into_inner()
    }

    async fn reload(&mut self) -> ReloadResult {
        let reply = self.client.reload(ReloadRequest::default()).await;
        reply.expect("the registry answers").into_inner()
    }

    async fn acquire(&mut self, holder: &str) -> AcquireSlotResponse {
        self.client.acquire_slot(acquire(holder)).await.expect("it answers").into_inner()
    }

    async fn declare(&mut self, availability: &str) -> Result<SetAvailabilityResponse, Status> {
        let request = SetAvailabilityRequest {
            agent_id: "sales".to_owned(),
            availability: availability.to_owned(),
            ..SetAvailabilityRequest::default()
        };
        self.client.set_availability(request).await.map(Response::into_inner)
    }

    async fn watch(&mut self) -> Streaming<Snapshot> {
        let reply = self.client.watch_agents(WatchAgentsRequest::default()).await;
        reply.expect("the registry answers").into_inner()
    }
}

fn acquire(holder: &str) -> AcquireSlotRequest {
    AcquireSlotRequest {
        agent_id: "sales".to_owned(),
        holder: holder.to_owned(),
        ttl_ms: 60_000,
        ..AcquireSlotRequest::default()
    }
}

fn release(holder: &str, transfer_to: &str) -> ReleaseSlotRequest {
    ReleaseSlotRequest {
        agent_id: "sales".to_owned(),
        holder: holder.to_owned(),
        transfer_to: transfer_to.to_owned(),
        ttl_ms: 60_000,
        ..ReleaseSlotRequest::default()
    }
}

fn ids(snapshot: &Snapshot) -> Vec<&str> {
    let id = |state: &'_ proto::v1::AgentState| state.agent.is_some();
    assert!(snapshot.agents.iter().all(id), "every state has its agent");
    snapshot.agents.iter().flat_map(|state| &state.agent).map(|it| it.agent_id.as_str()).collect()
}

fn sales(snapshot: &Snapshot) -> (&str, i64) {
    let is_sales = |state: &&proto::v1::AgentState| {
        state.agent.as_ref().is_some_and(|agent| agent.agent_id == "sales")
    };
    let state = snapshot.agents.iter().find(is_sales).expect("sales is loaded");
    (state.availability.as_str(), state.load)
}

async fn next(stream: &mut Streaming<Snapshot>) -> Snapshot {
    let message = tokio::time::timeout(PATIENCE, stream.message()).await;
    message.expect("a snapshot comes in time").expect("the stream works").expect("it goes on")
}

fn code(status: &Status) -> String {
    Fault::of(status).code
}

#[tokio::test]
async fn agents_are_listed_sorted_and_found_by_id() {
    let mut registry = Running::start().await;
    let snapshot = registry.list().await;
    assert_eq!(ids(&snapshot), ["front", "sales"]);
    assert_eq!(snapshot.default_agent_id, "front");
    assert_eq!(sales(&snapshot), ("available", 0));
    let request = GetAgentRequest { agent_id: "sales".to_owned(), ..GetAgentRequest::default() };
    let reply = registry.client.get_agent(request).await.expect("it is loaded").into_inner();
    assert_eq!(reply.generation, snapshot.generation);
    assert_eq!(reply.state.as_ref(), snapshot.agents.get(1));

    let request = GetAgentRequest { agent_id: "x".to_owned(), ..GetAgentRequest::default() };
    let status = registry.client.get_agent(request).await.expect_err("there is no such agent");
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(code(&status), "agent_not_found");
    assert_eq!(Fault::of(&status).fields["agent_id"], "x");
}

#[tokio::test]
async fn a_reload_is_all_or_nothing_and_tells_its_watchers() {
    let mut registry = Running::start().await;
    let mut stream = registry.watch().await;
    let first = next(&mut stream).await;
    assert_eq!(ids(&first), ["front", "sales"], "the present snapshot comes at once");

    registry.write("support.yaml", &definition("support", ""));
    registry.write("broken.yaml", "agent_id: broken\n");
    registry.write("worse.yaml", "agent_id: [");
    let result = registry.reload().await;
    assert!(!result.success);
    assert_eq!(result.generation, first.generation);
    let files: BTreeSet<_> = result.errors.iter().map(|error| error.file.as_str()).collect();
    assert_eq!(files, ["broken.yaml", "worse.yaml"].into());
    assert_eq!(registry.list().await, first, "the old set stays");

    registry.write("broken.yaml", &definition("booking", ""));
    registry.write("worse.yaml", &definition("alone", ""));
    let result = registry.reload().await;
    assert!(result.success, "{:?}", result.errors);
    assert_eq!(result.generation, first.generation + 1);
    assert_eq!(result.agent_ids, ["alone", "booking", "front", "sales", "support"]);
    let second = next(&mut stream).await;
    assert_eq!(second.generation, result.generation);
    assert_eq!(ids(&second), result.agent_ids);
}

#[tokio::test]
async fn reloads_do_not_overlap() {
    let mut registry = Running::start().await;
    let first = registry.list().await.generation;
    let reloads = (0..8).map(|_| {
        let mut client = registry.client.clone();
        async move { client.reload(ReloadRequest::default()).await }
    });
    let mut generations = BTreeSet::new();
    for reply in futures::future::join_all(reloads).await {
        generations.insert(reply.expect("the registry answers").into_inner().generation);
    }
    assert_eq!(generations, (first + 1..=first + 8).collect(), "each has a generation of its own");
}

#[tokio::test]
async fn a_hang_up_reloads_once_after_the_window() {
    let mut registry = Running::with(|config| config.reload_debounce_ms = 50, None).await;
    let mut stream = registry.watch().await;
    let first = next(&mut stream).await;
    registry.write("support.yaml", &definition("support", ""));
    for _ in 0..3 {
        let kill = std::process::Command::new("kill")
            .args(["-HUP", &std::process::id().to_string()])
            .status();
        assert!(kill.expect("there is a kill command").success());
    }
    let second = next(&mut stream).await;
    assert_eq!(ids(&second), ["front", "sales", "support"]);
    assert_eq!(second.generation, first.generation + 1, "three signals made one reload");
}

#[tokio::test]
async fn a_set_can_be_checked_without_loading_it() {
    let mut registry = Running::start().await;
    let file = |name: &str, yaml: String| DefinitionFile { name: name.to_owned(), yaml };
    let check = |files| ValidateRequest { files, ..ValidateRequest::default() };
    let good = vec![file("a.yaml", definition("front", "")), file("b.yaml", definition("b", ""))];
    let result = registry.client.validate(check(good)).await.expect("it answers").into_inner();
    assert!(result.success, "{:?}", result.errors);
    assert_eq!(result.agent_ids, ["b", "front"]);
    let bad = vec![file("c.yaml", definition("c", "colour: red\n"))];
    let result = registry.client.validate(check(bad)).await.expect("it answers").into_inner();
    assert!(!result.success);
    let error = &result.errors[0];
    assert_eq!((error.file.as_str(), error.line, error.column), ("c.yaml", 10, 1));
    assert_eq!(ids(&registry.list().await), ["front", "sales"], "nothing was loaded");
}

#[tokio::test]
async fn availability_is_declared_and_shown() {
    let mut registry = Running::start().await;
    let mut stream = registry.watch().await;
    next(&mut stream).await;
    let reply = registry.declare("BUSY").await.expect("statuses are read in any case");
    assert_eq!((reply.availability.as_str(), reply.previous.as_str()), ("busy", "available"));
    assert_eq!(sales(&next(&mut stream).await), ("busy", 0));
    let reply = registry.declare("available").await.expect("it is a status");
    assert_eq!(reply.previous, "busy");
    assert_eq!(sales(&next(&mut stream).await), ("available", 0));

    let status = registry.declare("asleep").await.expect_err("it is no status");
    assert_eq!((status.code(), code(&status).as_str()), (Code::InvalidArgument, "invalid_request"));
    assert_eq!(Fault::of(&status).violations[0].path, "availability");
    let unknown = SetAvailabilityRequest {
        agent_id: "x".to_owned(),
        availability: "busy".to_owned(),
        ..SetAvailabilityRequest::default()
    };
    let status = registry.client.set_availability(unknown).await.expect_err("no such agent");
    assert_eq!(code(&status), "agent_not_found");
}

#[tokio::test]
async fn a_failed_first_load_is_fatal_and_lists_every_error() {
    let folder = chassis::testing::folder();
    for name in ["a.yaml", "b.yaml"] {
        std::fs::write(folder.join(name), "agent_id: [").expect("it takes files");
    }
    let config = Config { folder, ..Config::default() };
    let resources = chassis::testing::resources().await;
    let error = crate::build(&config, &resources).await.err().expect("nothing can be served");
    let text = error.to_string();
    assert!(text.contains("\n  a.yaml:1:11: ") && text.contains("\n  b.yaml:1:11: "), "{text}");
}

#[tokio::test]
async fn streams_and_tasks_end_with_the_process() {
    let mut registry = Running::start().await;
    let mut stream = registry.watch().await;
    next(&mut stream).await;
    registry.life.stop();
    let end = tokio::time::timeout(PATIENCE, stream.message()).await.expect("it ends in time");
    assert!(end.expect("it ends without an error").is_none());
    tokio::time::timeout(PATIENCE, registry.life.finished()).await.expect("its tasks end too");
}
