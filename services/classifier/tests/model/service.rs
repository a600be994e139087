//! The service with the model tier.

use std::time::Duration;

use chassis::{Link, testing};
use classifier::{Config, Peers};
use proto::v1::classifier_client::ClassifierClient;
use proto::v1::{Classification, ClassifyRequest, GetStatusRequest, GetStatusResponse};

use crate::folder;
use crate::registry::{Scripted, agent, shop, snapshot};

/// How long a generation may take to be learned by the model tier on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

struct Mesh {
    registry: Scripted,
    classifier: ClassifierClient<Link>,
}

impl Mesh {
    async fn of_a_shop() -> Self {
        let registry = Scripted::default();
        let config = Config { model_dir: Some(folder()), ..Config::default() };
        let peers = Peers { registry: registry.link() };
        let server = classifier::build(&config, &testing::resources().await, peers)
            .await
            .expect("it builds");
        registry.tell(snapshot(1, shop()));
        Self { registry, classifier: ClassifierClient::new(Link::local(server)) }
    }

    async fn status(&self) -> GetStatusResponse {
        let status = self.classifier.clone().get_status(GetStatusRequest::default()).await;
        status.expect("the call succeeds").into_inner()
    }

    /// Asks on and on until a generation is learned in full; what it said meanwhile is returned too.
    async fn learned(&self, generation: u64, text: &str) -> Vec<Classification> {
        let mut said = Vec::new();
        let learning = async {
            loop {
                let status = self.status().await;
                if status.generation == generation && !status.learning {
                    return;
                }
                said.push(self.classify(text).await);
            }
        };
        tokio::time::timeout(PATIENCE, learning).await.expect("it is learned");
        said
    }

    async fn classify(&self, text: &str) -> Classification {
        let request = ClassifyRequest { text: text.to_owned(), ..ClassifyRequest::default() };
        self.classifier.clone().classify(request).await.expect("the call succeeds").into_inner()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_static_tier_answers_until_the_model_tier_has_learned_a_generation() {
    let mesh = Mesh::of_a_shop().await;
    let text = "nothing was delivered to my house";
    let before = mesh.learned(1, text).await;
    assert!(before.iter().any(|said| said.tier == "static"), "no call waits for the model tier");
    let status = mesh.status().await;
    assert_eq!((status.tier.as_str(), status.mode.as_str()), ("model", "local"));
    let first = mesh.classify(text).await;
    assert_eq!((first.agent_id.as_str(), first.tier.as_str()), ("support", "model"));
    assert_eq!((first.generation, &first.revision), (1, &status.revision));

    let mut agents = shop();
    agents.push(agent("travel", "Passports and visas.", &["renew my passport", "I need a visa"]));
    mesh.registry.tell(snapshot(2, agents));
    let meanwhile = mesh.learned(2, "my passport has expired").await;
    assert!(meanwhile.iter().all(|said| !said.agent_id.is_empty()), "there is no pause in service");
    let found = mesh.classify("my passport has expired").await;
    assert_eq!((found.agent_id.as_str(), found.tier.as_str()), ("travel", "model"));

    mesh.registry.tell(snapshot(3, shop()));
    mesh.learned(3, text).await;
    let again = Classification { generation: 1, ..mesh.classify(text).await };
    assert_eq!(again, first, "equal definitions give equal bits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_true_is_not_learned_to_its_end() {
    let mesh = Mesh::of_a_shop().await;
    for generation in 2..=20 {
        mesh.registry.tell(snapshot(generation, shop()));
    }
    let mut agents = shop();
    agents.reverse();
    mesh.registry.tell(snapshot(21, agents));
    mesh.learned(21, "where is my parcel").await;
    assert_eq!(mesh.classify("where is my parcel").await.tier, "model");
}

#[tokio::test]
async fn a_folder_that_is_named_must_hold_a_model() {
    let config = Config { model_dir: Some("/nowhere".into()), ..Config::default() };
    let peers = Peers { registry: Scripted::default().link() };
    let error = classifier::build(&config, &testing::resources().await, peers).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
}
