use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use chassis::Link;
use futures::{Stream, StreamExt as _};
use proto::v1::registry_server::{Registry, RegistryServer};
use proto::v1::*;
use std::result::Result;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};

use crate::agent::Agent as Running;

/// A registry whose agents a test changes.
pub struct Directory {
    agents: watch::Sender<Snapshot>,
    slots: Mutex<BTreeSet<(String, String)>>,
    full: Mutex<BTreeSet<String>>,
}

impl Directory {
    pub fn new(agents: &[(&str, &Running)]) -> Self {
        let mut states: Vec<_> =
            agents.iter().map(|(agent_id, running)| state(agent_id, running)).collect();
        let default = states.last_mut().and_then(|state| state.agent.as_mut()).unwrap();
        default.is_default = true;
        default.confidence_threshold = 0.0;
        let default_agent_id = default.agent_id.clone();
        states.sort_by_key(|state| state.agent.as_ref().map(|agent| agent.agent_id.clone()));
        let snapshot = Snapshot { generation: 1, default_agent_id, agents: states };
        Self {
            agents: watch::Sender::new(snapshot),
            slots: Mutex::default(),
            full: Mutex::default(),
        }
    }

    /// Changes the definition of an agent.
    pub fn change(&self, agent_id: &str, change: impl Fn(&mut Agent)) {
        self.agents.send_modify(|snapshot| {
            snapshot.generation += 1;
            let agents = snapshot.agents.iter_mut().filter_map(|state| state.agent.as_mut());
            agents.filter(|agent| agent.agent_id == agent_id).for_each(&change);
        });
    }

    /// Takes an agent away.
    pub fn remove(&self, agent_id: &str) {
        self.agents.send_modify(|snapshot| {
            snapshot.generation += 1;
            let is_other = |agent: &Agent| agent.agent_id != agent_id;
            snapshot.agents.retain(|state| state.agent.as_ref().is_some_and(is_other));
        });
    }

    /// Brings an agent back, or a new one.
    pub fn add(&self, (agent_id, running): (&str, &Running)) {
        self.agents.send_modify(|snapshot| {
            snapshot.generation += 1;
            snapshot.agents.push(state(agent_id, running));
            let id = |state: &AgentState| state.agent.as_ref().map(|agent| agent.agent_id.clone());
            snapshot.agents.sort_by_key(id);
        });
    }

    /// Refuses every slot of an agent.
    pub fn fill(&self, agent_id: &str) {
        self.full.lock().unwrap().insert(agent_id.to_owned());
    }

    /// Who holds a slot where.
    pub fn slots(&self) -> Vec<(String, String)> {
        self.slots.lock().unwrap().iter().cloned().collect()
    }
}

fn state(agent_id: &str, running: &Running) -> AgentState {
    let agent = Agent {
        agent_id: agent_id.to_owned(),
        display_name: format!("The {agent_id} desk"),
        description: format!("Does {agent_id}."),
        r#type: "mcp".to_owned(),
        endpoint: running.endpoint(),
        confidence_threshold: 0.7,
        clarification_required: true,
        accepts_handoff: true,
        skills: vec![agent_id.to_owned()],
        domains: vec![agent_id.to_owned()],
        cost: Some(Cost { model: "gpt-4o-mini".to_owned(), ..Cost::default() }),
        ..Agent::default()
    };
    AgentState { agent: Some(agent), availability: "available".to_owned(), load: 0 }
}

pub(super) fn link(directory: Arc<Directory>) -> Link {
    Link::local(RegistryServer::from_arc(directory))
}

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the router does not ask for it"))
}

#[tonic::async_trait]
impl Registry for Directory {
    type WatchAgentsStream = Pin<Box<dyn Stream<Item = Result<Snapshot, Status>> + Send>>;

    async fn watch_agents(
        &self,
        _: Request<WatchAgentsRequest>,
    ) -> Result<Response<Self::WatchAgentsStream>, Status> {
        let snapshots = WatchStream::new(self.agents.subscribe());
        Ok(Response::new(Box::pin(snapshots.map(Ok))))
    }

    async fn acquire_slot(
        &self,
        request: Request<AcquireSlotRequest>,
    ) -> Result<Response<AcquireSlotResponse>, Status> {
        let request = request.into_inner();
        let granted = !self.full.lock().unwrap().contains(&request.agent_id);
        if granted {
            self.slots.lock().unwrap().insert((request.agent_id, request.holder));
        }
        Ok(Response::new(AcquireSlotResponse { granted, load: 1, max: 0 }))
    }

    async fn release_slot(
        &self,
        request: Request<ReleaseSlotRequest>,
    ) -> Result<Response<ReleaseSlotResponse>, Status> {
        let request = request.into_inner();
        let released = self.slots.lock().unwrap().remove(&(request.agent_id, request.holder));
        Ok(Response::new(ReleaseSlotResponse { released, load: 0 }))
    }

    async fn get_agent(
        &self,
        _: Request<GetAgentRequest>,
    ) -> Result<Response<GetAgentResponse>, Status> {
        no()
    }

    async fn list_agents(
        &self,
        _: Request<ListAgentsRequest>,
    ) -> Result<Response<Snapshot>, Status> {
        no()
    }

    async fn reload(&self, _: Request<ReloadRequest>) -> Result<Response<ReloadResult>, Status> {
        no()
    }

    async fn validate(
        &self,
        _: Request<ValidateRequest>,
    ) -> Result<Response<ReloadResult>, Status> {
        no()
    }

    async fn put_agent(
        &self,
        _: Request<PutAgentRequest>,
    ) -> Result<Response<PutAgentResponse>, Status> {
        no()
    }

    async fn delete_agent(
        &self,
        _: Request<DeleteAgentRequest>,
    ) -> Result<Response<ReloadResult>, Status> {
        no()
    }

    async fn set_availability(
        &self,
        _: Request<SetAvailabilityRequest>,
    ) -> Result<Response<SetAvailabilityResponse>, Status> {
        no()
    }
}
