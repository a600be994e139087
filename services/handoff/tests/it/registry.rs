//! A registry that shows the agents of a test and keeps their slots.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::Stream;
use proto::v1::registry_server::Registry;
use proto::v1::{
    AcquireSlotRequest, AcquireSlotResponse, Agent, AgentState, DeleteAgentRequest,
    GetAgentRequest, GetAgentResponse, ListAgentsRequest, PutAgentRequest, PutAgentResponse,
    ReleaseSlotRequest, ReleaseSlotResponse, ReloadRequest, ReloadResult, SetAvailabilityRequest,
    SetAvailabilityResponse, Snapshot, ValidateRequest, WatchAgentsRequest,
};
use tokio::sync::{Notify, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};

/// Where a call about slots can stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before a slot is taken.
    Acquire,
    /// When it was taken.
    Acquired,
    /// Before a slot is given back.
    Release,
    /// Before a slot goes from one holder to another.
    Pass,
    /// When it has gone.
    Passed,
}

/// The registry of a test; clones are the same registry.
#[derive(Clone)]
pub(crate) struct Shelf {
    is_silent: bool,
    is_down: Arc<AtomicBool>,
    snapshot: watch::Sender<Snapshot>,
    slots: Arc<Mutex<HashMap<String, BTreeSet<String>>>>,
    stall: Arc<Mutex<Option<Step>>>,
    caught: Arc<Notify>,
}

impl Shelf {
    /// A registry of these agents, of which `default-agent` is the default.
    pub(crate) fn of(agents: Vec<Agent>) -> Self {
        let agents = agents.into_iter().map(|agent| AgentState {
            agent: Some(agent),
            availability: "available".to_owned(),
            load: 0,
        });
        let snapshot = Snapshot {
            generation: 1,
            default_agent_id: "default-agent".to_owned(),
            agents: agents.collect(),
        };
        let snapshot = watch::Sender::new(snapshot);
        Self {
            is_silent: false,
            is_down: Arc::default(),
            snapshot,
            slots: Arc::default(),
            stall: Arc::default(),
            caught: Arc::default(),
        }
    }

    /// A registry that never says anything.
    pub(crate) fn silent() -> Self {
        Self { is_silent: true, ..Self::of(Vec::new()) }
    }

    /// Never answers the next call that comes to this step.
    pub(crate) fn stall(&self, step: Step) {
        *self.stall.lock().unwrap() = Some(step);
    }

    /// Resolves when a call has come to the step.
    pub(crate) async fn caught(&self) {
        self.caught.notified().await;
    }

    async fn come_to(&self, step: Step) {
        let is_here = self.stall.lock().unwrap().take_if(|at| *at == step).is_some();
        if is_here {
            self.caught.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Answers no call about slots any more, or answers again.
    pub(crate) fn go_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn is_up(&self) -> Result<(), Status> {
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(Status::unavailable("the registry is down")),
            false => Ok(()),
        }
    }

    /// Who holds slots of an agent.
    pub(crate) fn holders(&self, agent_id: &str) -> Vec<String> {
        let slots = self.slots.lock().unwrap();
        slots.get(agent_id).into_iter().flatten().cloned().collect()
    }

    /// Gives a holder a slot.
    pub(crate) fn occupy(&self, agent_id: &str, holder: &str) {
        let mut slots = self.slots.lock().unwrap();
        slots.entry(agent_id.to_owned()).or_default().insert(holder.to_owned());
    }

    /// Takes a slot from a holder.
    pub(crate) fn vacate(&self, agent_id: &str, holder: &str) {
        self.slots.lock().unwrap().entry(agent_id.to_owned()).or_default().remove(holder);
    }

    /// Shows a changed set of agents.
    pub(crate) fn show(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(change);
    }

    fn max(&self, agent_id: &str) -> Option<i64> {
        let snapshot = self.snapshot.borrow();
        let mut agents = snapshot.agents.iter().filter_map(|state| state.agent.as_ref());
        agents.find(|agent| agent.agent_id == agent_id)?.max_concurrent_sessions
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Registry for Shelf {
    type WatchAgentsStream = Pin<Box<dyn Stream<Item = Result<Snapshot, Status>> + Send>>;

    async fn watch_agents(
        &self,
        _: Request<WatchAgentsRequest>,
    ) -> Answer<Self::WatchAgentsStream> {
        let is_silent = self.is_silent;
        let changes = WatchStream::new(self.snapshot.subscribe());
        let changes = changes.filter(move |_| !is_silent).map(Ok);
        Ok(Response::new(Box::pin(changes)))
    }

    async fn acquire_slot(
        &self,
        request: Request<AcquireSlotRequest>,
    ) -> Answer<AcquireSlotResponse> {
        self.is_up()?;
        self.come_to(Step::Acquire).await;
        let request = request.into_inner();
        let max = self.max(&request.agent_id);
        let (granted, load) = {
            let mut slots = self.slots.lock().unwrap();
            let holders = slots.entry(request.agent_id).or_default();
            let has_room = max.is_none_or(|max| (holders.len() as i64) < max);
            let granted = holders.contains(&request.holder) || has_room;
            if granted {
                holders.insert(request.holder);
            }
            (granted, holders.len() as i64)
        };
        self.come_to(Step::Acquired).await;
        Ok(Response::new(AcquireSlotResponse { granted, load, max: max.unwrap_or_default() }))
    }

    async fn release_slot(
        &self,
        request: Request<ReleaseSlotRequest>,
    ) -> Answer<ReleaseSlotResponse> {
        self.is_up()?;
        let request = request.into_inner();
        let is_passed = !request.transfer_to.is_empty();
        self.come_to(if is_passed { Step::Pass } else { Step::Release }).await;
        let (released, load) = {
            let mut slots = self.slots.lock().unwrap();
            let holders = slots.entry(request.agent_id).or_default();
            let mut released = holders.remove(&request.holder);
            if is_passed {
                if released {
                    holders.insert(request.transfer_to.clone());
                }
                released |= holders.contains(&request.transfer_to);
            }
            (released, holders.len() as i64)
        };
        if is_passed {
            self.come_to(Step::Passed).await;
        }
        Ok(Response::new(ReleaseSlotResponse { released, load }))
    }

    async fn get_agent(&self, _: Request<GetAgentRequest>) -> Answer<GetAgentResponse> {
        Err(Status::unimplemented("no handoff asks for one agent"))
    }

    async fn list_agents(&self, _: Request<ListAgentsRequest>) -> Answer<Snapshot> {
        Err(Status::unimplemented("no handoff asks for a list"))
    }

    async fn reload(&self, _: Request<ReloadRequest>) -> Answer<ReloadResult> {
        Err(Status::unimplemented("no handoff reloads"))
    }

    async fn validate(&self, _: Request<ValidateRequest>) -> Answer<ReloadResult> {
        Err(Status::unimplemented("no handoff validates"))
    }

    async fn put_agent(&self, _: Request<PutAgentRequest>) -> Answer<PutAgentResponse> {
        Err(Status::unimplemented("no handoff changes a definition"))
    }

    async fn delete_agent(&self, _: Request<DeleteAgentRequest>) -> Answer<ReloadResult> {
        Err(Status::unimplemented("no handoff changes a definition"))
    }

    async fn set_availability(
        &self,
        _: Request<SetAvailabilityRequest>,
    ) -> Answer<SetAvailabilityResponse> {
        Err(Status::unimplemented("no handoff sets an availability"))
    }
}
