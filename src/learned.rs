//! The definitions of a folder and a classifier that has learned them, for commands that need no running mesh.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::Environment;
use chassis::link::within;
use chassis::{Life, Link, Mode, Resources, connect};
use classifier::model::Overlap;
use classifier::standing::Standing;
use classifier::vectors::Vectors;
use mesh::settings;
use proto::v1::classifier_client::ClassifierClient;
use proto::v1::registry_client::RegistryClient;
use proto::v1::{Classification, ClassifyRequest, GetStatusRequest, ListAgentsRequest, Snapshot};
use tokio::sync::OnceCell;
use tonic::Status;

/// What one classification may take, the attempts at a language model included.
const LIMIT: Duration = Duration::from_secs(60);
/// What learning the definitions may take: the sentence model looks at every text of them.
const LEARNING_LIMIT: Duration = Duration::from_secs(600);
/// How often it is asked whether they are learned.
const LEARNING_LOOK: Duration = Duration::from_millis(20);

/// A folder that was loaded and learned.
pub(crate) struct Learned {
    /// The definitions.
    pub(crate) snapshot: Snapshot,
    /// Whether the gate may ask customers.
    pub(crate) may_ask: bool,
    classifier: ClassifierClient<Link>,
    settled: OnceCell<()>,
    life: Life,
}

impl Learned {
    /// Loads a folder as the registry would, and learns it as the classifier would, in the configured mode.
    pub(crate) async fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut env = Environment::of_process();
        settings::point_at_shipped(&mut env);
        env.replace("AGENT_REGISTRY_DIR", &folder.display().to_string());
        env.replace("AGENT_HEALTH_INTERVAL_MS", "0");
        let registry = registry::Config::read(&mut env);
        let classifier = classifier::Config::read(&mut env);
        let may_ask = router::Config::read(&mut env).clarification.enabled;
        env.finish()?;
        chassis::telemetry::choose_tls();
        let life = Life::new();
        let resources = Resources {
            database: None,
            redis: None,
            life: life.clone(),
            mode: Mode::Development,
            resolver: connect::system(),
        };
        let registry = Link::local(registry::build(&registry, &resources).await?);
        let mut agents = RegistryClient::new(registry.clone());
        let snapshot = agents.list_agents(ListAgentsRequest::default()).await;
        let snapshot = snapshot.context("the registry does not answer")?.into_inner();
        let peers = classifier::Peers { registry };
        let classifier = classifier::build(&classifier, &resources, peers).await?;
        let classifier = ClassifierClient::new(Link::local(classifier));
        Ok(Self { snapshot, may_ask, classifier, settled: OnceCell::new(), life })
    }

    /// What the best tier of the classifier makes of a text.
    pub(crate) async fn classify(
        &self,
        text: &str,
        locale: &str,
    ) -> Result<Classification, Status> {
        let request = ClassifyRequest {
            text: text.to_owned(),
            locale: locale.to_owned(),
            ..ClassifyRequest::default()
        };
        self.settled.get_or_try_init(|| self.settle()).await?;
        Ok(self.classifier.clone().classify(within(request, LIMIT)).await?.into_inner())
    }

    /// Waits until no better tier is about to answer.
    async fn settle(&self) -> Result<(), Status> {
        let mut classifier = self.classifier.clone();
        let settling = async {
            let mut looks = tokio::time::interval(LEARNING_LOOK);
            loop {
                looks.tick().await;
                let status = classifier.get_status(GetStatusRequest::default()).await?;
                if !status.into_inner().learning {
                    return Ok(());
                }
            }
        };
        let late = |_| Status::deadline_exceeded("the definitions are not learned yet");
        tokio::time::timeout(LEARNING_LIMIT, settling).await.map_err(late)?
    }

    /// Examples that say what another agent says.
    pub(crate) async fn overlaps(&self) -> anyhow::Result<Vec<Overlap>> {
        let snapshot = self.snapshot.clone();
        let learning = tokio::task::spawn_blocking(move || {
            let standing = Standing::of(&snapshot, Arc::new(Vectors::shipped()?));
            let overlaps = |standing: Standing| standing.model.overlaps().to_vec();
            anyhow::Ok(standing.map(overlaps).unwrap_or_default())
        });
        learning.await?
    }
}

impl Drop for Learned {
    fn drop(&mut self) {
        self.life.stop();
        self.life.close();
    }
}

/// An overlap in a sentence.
pub(crate) fn collision(overlap: &Overlap) -> String {
    let Overlap { agent_id, example, other_agent_id, other_text, similarity } = overlap;
    format!(
        "{agent_id}: \"{example}\" collides with {other_agent_id}: \"{other_text}\" (similarity {similarity:.2})"
    )
}
