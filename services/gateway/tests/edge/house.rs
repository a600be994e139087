//! A gateway on a port of its own.

use std::net::SocketAddr;
use std::time::Duration;

use chassis::config::Environment;
use chassis::{Life, Link, Mode, Redis, Resources, serve};
use gateway::{Config, Edge, Peers};
use proto::v1::gateway_client::GatewayClient;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::peer::Peer;
use crate::scripts::{self, Sessions, Turn};

/// The key of every caller that does not bring its own.
pub(crate) const KEY: &str = "a-key-for-tests";
const END_LIMIT: Duration = Duration::from_secs(10);

/// The services behind.
#[derive(Clone)]
pub(crate) struct Behind {
    pub(crate) router: Peer,
    pub(crate) sessions: Sessions,
    pub(crate) registry: Peer,
    pub(crate) budget: Peer,
    pub(crate) classifier: Peer,
    pub(crate) handoff: Peer,
}

impl Behind {
    pub(crate) fn new() -> Self {
        let (router, sessions) = scripts::router();
        Self {
            router,
            sessions,
            registry: scripts::registry(),
            budget: scripts::budgets(),
            classifier: scripts::classifier(),
            handoff: scripts::handoffs(),
        }
    }

    /// From now on each turn waits for what the test lets it say.
    pub(crate) fn wait_for_turns(&self) -> mpsc::UnboundedReceiver<Turn> {
        scripts::waiting(&self.router, &self.sessions)
    }
}

/// A running gateway.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) life: Life,
    pub(crate) behind: Behind,
    pub(crate) grpc: GatewayClient<Link>,
}

impl House {
    /// With the rates unlimited and everything else as it comes.
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With these settings.
    pub(crate) async fn with(pairs: &[(&str, &str)]) -> Self {
        Self::replica(pairs, None, Behind::new()).await
    }

    /// One of several before the same services.
    pub(crate) async fn replica(
        pairs: &[(&str, &str)],
        redis: Option<Redis>,
        behind: Behind,
    ) -> Self {
        let mut all =
            vec![("MESH_ENV", "test"), ("API_KEY", KEY), ("ENABLE_RATE_LIMITING", "false")];
        all.extend_from_slice(pairs);
        let mut env = Environment::of(all);
        let config = Config::read(&mut env);
        env.finish().expect("the settings of a test are valid");
        let life = Life::new();
        let resources = Resources {
            database: None,
            redis,
            life: life.clone(),
            mode: Mode::Test,
            resolver: chassis::connect::system(),
        };
        let peers = Peers {
            router: Link::local(behind.router.clone()),
            registry: Link::local(behind.registry.clone()),
            budget: Link::local(behind.budget.clone()),
            classifier: Link::local(behind.classifier.clone()),
            handoff: Link::local(behind.handoff.clone()),
        };
        let Edge { server, http } = gateway::build(&config, &resources, peers).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        serve::http("gateway", listener, http, &life);
        Self { address, life, behind, grpc: GatewayClient::new(Link::local(server)) }
    }

    /// A client with the key of the house that names no user.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address).header("x-api-key", KEY)
    }

    /// A client of this user.
    pub(crate) fn user(&self, user: &str) -> Client {
        self.client().header("x-user-id", user)
    }

    /// Ends it as a process ends.
    pub(crate) async fn close(&self) {
        self.life.stop();
        let finished = tokio::time::timeout(END_LIMIT, self.life.finished()).await;
        assert!(finished.is_ok(), "the work did not end");
        self.life.close();
        let closed = tokio::time::timeout(END_LIMIT, self.life.closed()).await;
        assert!(closed.is_ok(), "the connections did not end");
    }
}
