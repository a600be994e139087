//! A registry that tells whatever snapshot the test hands it, over the generated server.

use chassis::Link;
use proto::v1::registry_server::{Registry, RegistryServer};
use proto::v1::{
    AcquireSlotRequest, AcquireSlotResponse, Agent, AgentState, DeleteAgentRequest,
    GetAgentRequest, GetAgentResponse, ListAgentsRequest, PutAgentRequest, PutAgentResponse,
    ReleaseSlotRequest, ReleaseSlotResponse, ReloadRequest, ReloadResult, SetAvailabilityRequest,
    SetAvailabilityResponse, Snapshot, ValidateRequest, WatchAgentsRequest,
};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

/// The registry of a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripted {
    snapshot: watch::Sender<Option<Snapshot>>,
}

impl Scripted {
    pub(crate) fn link(&self) -> Link {
        Link::local(RegistryServer::new(self.clone()))
    }

    pub(crate) fn tell(&self, snapshot: Snapshot) {
        self.snapshot.send_replace(Some(snapshot));
    }
}

pub(crate) fn snapshot(generation: u64, agents: Vec<Agent>) -> Snapshot {
    let state =
        |agent| AgentState { agent: Some(agent), availability: "available".to_owned(), load: 0 };
    Snapshot {
        generation,
        default_agent_id: "default-agent".to_owned(),
        agents: agents.into_iter().map(state).collect(),
    }
}

pub(crate) fn agent(agent_id: &str, description: &str, examples: &[&str]) -> Agent {
    Agent {
        agent_id: agent_id.to_owned(),
        display_name: format!("{}{} Desk", agent_id[..1].to_uppercase(), &agent_id[1..]),
        description: description.to_owned(),
        examples: examples.iter().map(|example| (*example).to_owned()).collect(),
        ..Agent::default()
    }
}

pub(crate) fn shop() -> Vec<Agent> {
    let booking = agent(
        "booking",
        "Books, moves and cancels appointments. Does not handle refunds.",
        &[
            "I need to book an appointment tomorrow",
            "Move my visit to Friday",
            "Cancel my appointment",
        ],
    );
    vec![
        agent(
            "sales",
            "Finds and compares products and tells prices.",
            &["How much is the blue mug?", "Which tents do you sell?", "I want to buy a lamp"],
        ),
        agent(
            "support",
            "Helps with orders, deliveries, returns and refunds.",
            &[
                "Where is my parcel?",
                "My order has not arrived",
                "I need a refund",
                "Help with an order",
            ],
        ),
        Agent {
            clarification_context: "I can book, move or cancel an appointment.".to_owned(),
            ..booking
        },
        agent("default-agent", "Greets people.", &["Hello", "Good morning", "Thank you"]),
    ]
}

type Reply<T> = Result<Response<T>, Status>;
type Snapshots = std::pin::Pin<Box<dyn Stream<Item = Result<Snapshot, Status>> + Send>>;

fn unscripted<T>() -> Reply<T> {
    Err(Status::unimplemented("the classifier has no need of this call"))
}

#[tonic::async_trait]
impl Registry for Scripted {
    type WatchAgentsStream = Snapshots;

    async fn watch_agents(&self, _: Request<WatchAgentsRequest>) -> Reply<Snapshots> {
        let told = WatchStream::new(self.snapshot.subscribe()).filter_map(|told| told.map(Ok));
        Ok(Response::new(Box::pin(told)))
    }

    async fn get_agent(&self, _: Request<GetAgentRequest>) -> Reply<GetAgentResponse> {
        unscripted()
    }

    async fn list_agents(&self, _: Request<ListAgentsRequest>) -> Reply<Snapshot> {
        unscripted()
    }

    async fn reload(&self, _: Request<ReloadRequest>) -> Reply<ReloadResult> {
        unscripted()
    }

    async fn validate(&self, _: Request<ValidateRequest>) -> Reply<ReloadResult> {
        unscripted()
    }

    async fn put_agent(&self, _: Request<PutAgentRequest>) -> Reply<PutAgentResponse> {
        unscripted()
    }

    async fn delete_agent(&self, _: Request<DeleteAgentRequest>) -> Reply<ReloadResult> {
        unscripted()
    }

    async fn set_availability(
        &self,
        _: Request<SetAvailabilityRequest>,
    ) -> Reply<SetAvailabilityResponse> {
        unscripted()
    }

    async fn acquire_slot(&self, _: Request<AcquireSlotRequest>) -> Reply<AcquireSlotResponse> {
        unscripted()
    }

    async fn release_slot(&self, _: Request<ReleaseSlotRequest>) -> Reply<ReleaseSlotResponse> {
        unscripted()
    }
}
