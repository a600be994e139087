//! What every handler works with.

use std::sync::Arc;

use chassis::{Link, Resources};
use proto::v1::Context;
use proto::v1::budget_client::BudgetClient;
use proto::v1::classifier_client::ClassifierClient;
use proto::v1::handoff_client::HandoffClient;
use proto::v1::registry_client::RegistryClient;
use proto::v1::router_client::RouterClient;

use crate::auth::Keys;
use crate::config::Config;
use crate::drain::Drain;
use crate::fanout::Fanout;
use crate::health::Probe;
use crate::limit::{Buckets, Memory, Shared};
use crate::slack::Slack;
use crate::tickets::Tickets;
use crate::websocket::Census;

/// The services behind the gateway.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Where turns are worked on.
    pub router: Link,
    /// Who knows the agents.
    pub registry: Link,
    /// Who knows the money.
    pub budget: Link,
    /// Who knows what a text is about.
    pub classifier: Link,
    /// Who knows how work changes hands.
    pub handoff: Link,
}

impl Peers {
    pub(crate) fn router(&self) -> RouterClient<Link> {
        RouterClient::new(self.router.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn registry(&self) -> RegistryClient<Link> {
        RegistryClient::new(self.registry.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn budget(&self) -> BudgetClient<Link> {
        BudgetClient::new(self.budget.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn classifier(&self) -> ClassifierClient<Link> {
        ClassifierClient::new(self.classifier.clone())
    }

    pub(crate) fn handoff(&self) -> HandoffClient<Link> {
        HandoffClient::new(self.handoff.clone())
    }
}

/// What a peer may send at once: a session with all its turns, or the agents with all their metadata.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// The parts of the gateway, shared by all handlers.
pub(crate) struct Front {
    pub(crate) config: Config,
    pub(crate) peers: Peers,
    pub(crate) redis: Option<chassis::Redis>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) buckets: Arc<dyn Buckets>,
    pub(crate) fanout: Fanout,
    pub(crate) tickets: Tickets,
    pub(crate) slack: Option<Slack>,
    pub(crate) drain: Drain,
    pub(crate) census: Census,
    pub(crate) probe: Probe,
}

impl Front {
    /// Opens every part.
    pub(crate) fn open(
        config: &Config,
        resources: &Resources,
        peers: Peers,
    ) -> anyhow::Result<Arc<Self>> {
        let redis = resources.redis.clone();
        let buckets: Arc<dyn Buckets> = match &redis {
            Some(redis) => Arc::new(Shared::new(redis.clone(), config.replicas)),
            None => Arc::new(Memory::new()),
        };
        if redis.is_none() && 1 < config.replicas {
            tracing::warn!(replicas = config.replicas, "several replicas need REDIS_URL");
        }
        let keys = Arc::new(Keys::open(config)?);
        crate::auth::reread(&keys, &resources.life)?;
        let census = Census::new(config.sockets.per_key_max);
        Ok(Arc::new(Self {
            fanout: Fanout::open(redis.clone(), config.replay_ms, &resources.life),
            tickets: Tickets::new(redis.clone()),
            slack: config.slack.clone().map(Slack::new).transpose()?,
            drain: Drain::new(&resources.life),
            probe: Probe::default(),
            config: config.clone(),
            redis,
            peers,
            keys,
            buckets,
            census,
        }))
    }
}

/// The context of a call that the gateway makes for itself.
pub(crate) fn own_context(request_id: &str) -> Context {
    Context {
        tenant: "default".to_owned(),
        key_id: "gateway".to_owned(),
        user_id: "mesh".to_owned(),
        request_id: request_id.to_owned(),
    }
}
