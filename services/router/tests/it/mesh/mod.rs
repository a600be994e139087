//! A whole router with scripted peers and real agents.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::Environment;
use chassis::{Database, Life, Link, Mode, Redis, Resources, testing};
use proto::v1::router_client::RouterClient;
use proto::v1::turn_event::Event;
use proto::v1::{
    CancelTurnRequest, Context, ConverseRequest, GetSessionRequest, ListBreakersRequest, Session,
    TurnEvent,
};
use serde_json::Value;
use tonic::Status;
use uuid::Uuid;

use crate::agent::{Agent, Speaks};

mod budget;
mod classifier;
mod doomed;
mod handoff;
mod registry;
mod trap;

pub use budget::Money;
pub use classifier::Mind;
pub use doomed::{Doomed, SHORT_LEASE};
pub use handoff::Porter;
pub use registry::Directory;
pub use trap::Trap;

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The peers, which several routers may share.
#[derive(Clone)]
pub struct World {
    pub money: Arc<Money>,
    pub mind: Arc<Mind>,
    pub porter: Arc<Porter>,
    pub directory: Arc<Directory>,
}

impl World {
    /// Peers that know these agents; the last one is the default.
    pub fn new(agents: &[(&str, &Agent)]) -> Self {
        Self {
            money: Arc::default(),
            mind: Arc::default(),
            porter: Arc::default(),
            directory: Arc::new(Directory::new(agents)),
        }
    }
}

/// A running router.
pub struct Mesh {
    pub world: World,
    pub life: Life,
    client: RouterClient<Link>,
}

/// A request that a test makes.
#[derive(Clone, Debug)]
pub struct Message {
    pub user_id: String,
    pub input: String,
    pub request_id: String,
    pub session_ref: Option<String>,
    pub metadata_json: String,
    pub anonymous: bool,
}

impl Message {
    pub fn new(user_id: &str, input: &str) -> Self {
        Self {
            user_id: user_id.to_owned(),
            input: input.to_owned(),
            request_id: Uuid::new_v4().to_string(),
            session_ref: None,
            metadata_json: String::new(),
            anonymous: false,
        }
    }
}

/// All that a turn told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub events: Vec<TurnEvent>,
    /// A status in place of the last event.
    pub refused: Option<Status>,
}

impl Told {
    /// The body of the result.
    pub fn body(&self) -> Value {
        serde_json::from_str(self.text()).unwrap()
    }

    /// The body of the result, byte for byte.
    pub fn text(&self) -> &str {
        match self.last() {
            Some(Event::Result(result)) => &result.body_json,
            other => panic!("{other:?}"),
        }
    }

    /// The code of the error.
    pub fn code(&self) -> &str {
        match self.last() {
            Some(Event::Error(error)) => &error.code,
            other => panic!("{other:?} {:?}", self.refused),
        }
    }

    /// The last event.
    pub fn last(&self) -> Option<&Event> {
        self.events.last().and_then(|event| event.event.as_ref())
    }

    /// The names of all events, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.events.iter().filter_map(|event| event.event.as_ref()).map(name).collect()
    }

    pub fn is_replay(&self) -> bool {
        self.events.iter().all(|event| event.replay)
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Accepted(_) => "accepted",
        Event::Classified(_) => "classified",
        Event::Routed(_) => "routed",
        Event::Budget(_) => "budget",
        Event::Delta(_) => "delta",
        Event::HandoffStarted(_) => "handoff_started",
        Event::HandoffCompleted(_) => "handoff_completed",
        Event::HandoffRejected(_) => "handoff_rejected",
        Event::Result(_) => "result",
        Event::Error(_) => "error",
    }
}

impl Mesh {
    /// A router on a fresh embedded database.
    pub async fn start(world: &World, settings: &[(&str, &str)]) -> Self {
        Self::on(testing::sqlite().await, world, settings).await
    }

    /// A router on a database that may have been used before, or that others use too.
    pub async fn on(database: Database, world: &World, settings: &[(&str, &str)]) -> Self {
        Self::with((database, None), world, settings).await
    }

    /// A router on these stores.
    pub async fn with(
        (database, redis): (Database, Option<Redis>),
        world: &World,
        settings: &[(&str, &str)],
    ) -> Self {
        let life = Life::new();
        let (database, mode) = (Some(database), Mode::Test);
        let resolver = chassis::connect::system();
        let resources = Resources { database, redis, life: life.clone(), mode, resolver };
        let defaults = [("MESH_ENV", "test"), ("AGENT_ENDPOINT_ALLOWLIST", "127.0.0.1")];
        let mut env = Environment::of(defaults.iter().chain(settings).copied());
        let config = router::Config::read(&mut env);
        env.finish().unwrap();
        let peers = router::Peers {
            classifier: classifier::link(world.mind.clone()),
            registry: registry::link(world.directory.clone()),
            budget: budget::link(world.money.clone()),
            handoff: handoff::link(world.porter.clone()),
        };
        let server = router::build(&config, &resources, peers).await.unwrap();
        let client = RouterClient::new(Link::local(server));
        let mesh = Self { world: world.clone(), life, client };
        mesh.ready().await;
        mesh
    }

    /// Waits until the router knows the agents.
    async fn ready(&self) {
        let known = async {
            let mut client = self.client();
            while client.list_breakers(ListBreakersRequest::default()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, known).await.expect("the agents become known");
    }

    pub fn client(&self) -> RouterClient<Link> {
        self.client.clone()
    }

    /// Runs a message to its end.
    pub async fn say(&self, message: &Message) -> Told {
        tokio::time::timeout(PATIENCE, self.converse(message)).await.expect("a turn ends")
    }

    async fn converse(&self, message: &Message) -> Told {
        let mut told = Told::default();
        let mut stream = match self.client().converse(request(message)).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return Told { refused: Some(status), ..told },
        };
        loop {
            match stream.message().await {
                Ok(Some(event)) => told.events.push(event),
                Ok(None) => return told,
                Err(status) => return Told { refused: Some(status), ..told },
            }
        }
    }

    /// Begins a message and goes away.
    pub async fn say_and_leave(&self, message: &Message) {
        let stream = self.client().converse(request(message)).await.unwrap();
        drop(stream);
    }

    pub async fn cancel(&self, message: &Message) -> bool {
        let request = CancelTurnRequest {
            context: Some(context(message)),
            request_id: message.request_id.clone(),
        };
        self.client().cancel_turn(request).await.unwrap().into_inner().cancelled
    }

    pub async fn session(&self, user_id: &str, session_id: &str) -> Session {
        let request = GetSessionRequest {
            context: Some(context(&Message::new(user_id, ""))),
            session_id: session_id.to_owned(),
            ..GetSessionRequest::default()
        };
        self.client().get_session(request).await.unwrap().into_inner()
    }

    /// Ends the router in an orderly way.
    pub async fn stop(self) {
        self.life.stop();
        self.life.finished().await;
    }
}

pub fn context(message: &Message) -> Context {
    Context {
        tenant: "default".to_owned(),
        key_id: "main".to_owned(),
        user_id: message.user_id.clone(),
        request_id: message.request_id.clone(),
    }
}

fn request(message: &Message) -> tonic::Request<ConverseRequest> {
    let request = ConverseRequest {
        context: Some(context(message)),
        session_ref: message.session_ref.clone(),
        input: message.input.clone(),
        metadata_json: message.metadata_json.clone(),
        anonymous: message.anonymous,
        ..ConverseRequest::default()
    };
    chassis::link::within(request, PATIENCE)
}

/// Three agents under their usual names, the last one the default.
pub async fn agents() -> [Agent; 3] {
    let start = || Agent::start(Speaks::Newest);
    [start().await, start().await, start().await]
}

/// A world of sales, support and the default agent.
pub fn world(agents: &[Agent; 3]) -> World {
    let [sales, support, default] = agents;
    World::new(&[("sales", sales), ("support", support), ("default-agent", default)])
}

/// Looks until there is something to see.
pub async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("it happens in time")
}
