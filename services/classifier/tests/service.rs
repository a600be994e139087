//! The classifier behind a link, fed by a registry that tells what the test wants.

mod registry;

use chassis::fault::{Fault, Kind};
use chassis::{Link, testing};
use classifier::{Config, Peers};
use proto::v1::classifier_client::ClassifierClient;
use proto::v1::{
    Classification, ClassifyRequest, DetectLanguageRequest, GenerateClarificationRequest,
    GetStatusRequest,
};
use registry::{Scripted, agent, shop, snapshot};

struct Mesh {
    registry: Scripted,
    classifier: ClassifierClient<Link>,
}

impl Mesh {
    async fn with(config: Config) -> Self {
        let registry = Scripted::default();
        let resources = testing::resources().await;
        let peers = Peers { registry: registry.link() };
        let server = classifier::build(&config, &resources, peers).await.expect("it builds");
        Self { registry, classifier: ClassifierClient::new(Link::local(server)) }
    }

    async fn of_a_shop() -> Self {
        let mesh = Self::with(Config::default()).await;
        mesh.registry.tell(snapshot(1, shop()));
        mesh
    }

    async fn classify(&self, text: &str) -> Classification {
        let request = ClassifyRequest { text: text.to_owned(), ..ClassifyRequest::default() };
        self.classifier.clone().classify(request).await.expect("the call succeeds").into_inner()
    }

    async fn generation(&self) -> u64 {
        let status = self.classifier.clone().get_status(GetStatusRequest::default()).await;
        status.expect("the call succeeds").into_inner().generation
    }

    async fn ask(&self, candidates: &[&str], text: &str, language: &str) -> (String, bool) {
        let request = GenerateClarificationRequest {
            candidates: candidates.iter().map(|id| (*id).to_owned()).collect(),
            text: text.to_owned(),
            language: language.to_owned(),
            ..GenerateClarificationRequest::default()
        };
        let answer = self
            .classifier
            .clone()
            .generate_clarification(request)
            .await
            .expect("the call succeeds");
        let answer = answer.into_inner();
        (answer.question, answer.cached)
    }
}

#[tokio::test]
async fn a_message_is_routed_with_all_that_the_contract_promises() {
    let mesh = Mesh::of_a_shop().await;
    let found = mesh.classify("I need help with my order #4711, mail me at a@example.com").await;
    assert_eq!(found.agent_id, "support");
    assert!(0.7 <= found.confidence && !found.ambiguous, "{:?}", found.agent_scores);
    assert_eq!(found.detected_language, "en");
    assert_eq!(found.intent_summary, "I need help with my order #4711, mail me at [email]");
    assert_eq!(found.entities_json, r#"{"email":"a@example.com","order_id":"4711"}"#);
    assert_eq!((found.mode.as_str(), found.tier.as_str()), ("local", "static"));
    assert_eq!((found.generation, found.fallback_reason.as_str()), (1, ""));
    assert!(!found.revision.is_empty());
    let ids: Vec<&str> = found.agent_scores.iter().map(|score| score.agent_id.as_str()).collect();
    assert_eq!(ids, ["booking", "default-agent", "sales", "support"]);
}

#[tokio::test]
async fn the_same_text_and_generation_give_the_same_bits() {
    let (one, mut turned) = (Mesh::of_a_shop().await, shop());
    turned.reverse();
    turned.iter_mut().for_each(|agent| agent.examples.reverse());
    let other = Mesh::with(Config::default()).await;
    other.registry.tell(snapshot(1, turned));
    for text in ["I need help with my order", "hm", "", "¿Dónde está mi pedido?", "a slot please"]
    {
        let first = one.classify(text).await;
        assert_eq!(first, one.classify(text).await, "{text}: twice");
        assert_eq!(first, other.classify(text).await, "{text}: in another order");
    }
}

#[tokio::test]
async fn a_new_generation_is_learned_and_a_new_load_is_not() {
    let mesh = Mesh::of_a_shop().await;
    assert_eq!(mesh.classify("how do I renew my passport").await.generation, 1);
    let mut agents = shop();
    agents.push(agent("travel", "Passports and visas.", &["renew my passport", "I need a visa"]));
    let mut busy = snapshot(1, agents.clone());
    busy.agents.iter_mut().for_each(|state| state.load = 7);
    mesh.registry.tell(busy);
    mesh.registry.tell(snapshot(2, agents));
    while mesh.generation().await != 2 {
        assert_eq!(mesh.classify("renew").await.generation, 1, "the old model serves until then");
        tokio::task::yield_now().await;
    }
    let found = mesh.classify("how do I renew my passport").await;
    assert_eq!((found.agent_id.as_str(), found.generation), ("travel", 2));
}

#[tokio::test]
async fn without_definitions_there_is_no_answer() {
    let mesh = Mesh::with(Config::default()).await;
    tokio::time::pause();
    let request = ClassifyRequest { text: "hello".to_owned(), ..ClassifyRequest::default() };
    let fault = Fault::of(&mesh.classifier.clone().classify(request).await.unwrap_err());
    assert_eq!((fault.kind, fault.code.as_str()), (Kind::Unavailable, "registry_not_loaded"));
    assert_eq!(mesh.generation().await, 0);
}

#[tokio::test]
async fn a_question_names_the_candidates_and_is_kept() {
    let mesh = Mesh::of_a_shop().await;
    let (question, cached) = mesh.ask(&["booking", "support"], "move it", "en").await;
    assert!(question.contains("Booking Desk") && question.contains("Support Desk"), "{question}");
    assert!(question.contains("I can book, move or cancel an appointment"), "{question}");
    assert!(question.ends_with('?') && !cached, "{question}");
    assert_eq!(mesh.ask(&["booking", "support"], "move it", "en").await, (question, true));
    let (german, cached) = mesh.ask(&["booking"], "move it", "de-CH").await;
    assert!(german.starts_with("Geht es um Booking Desk") && !cached, "{german}");
    let (open, _) = mesh.ask(&["ghost"], "hm", "ja").await;
    assert!(open.ends_with('？'), "an unknown candidate is not named: {open}");
    mesh.registry.tell(snapshot(2, shop()));
    while mesh.generation().await != 2 {
        tokio::task::yield_now().await;
    }
    assert!(
        !mesh.ask(&["booking", "support"], "move it", "en").await.1,
        "a generation ends the cache"
    );
}

#[tokio::test]
async fn the_language_is_detected_and_the_locale_wins() {
    let mesh = Mesh::of_a_shop().await;
    let mut client = mesh.classifier.clone();
    for (text, expected) in [("Book a demo at 5pm", "en"), ("我要退款", "zh"), ("", "en")] {
        let request =
            DetectLanguageRequest { text: text.to_owned(), ..DetectLanguageRequest::default() };
        let found = client.detect_language(request).await.unwrap().into_inner();
        assert_eq!(found.language, expected, "{text}");
    }
    let request = ClassifyRequest {
        text: "I need a refund, please!".to_owned(),
        locale: "sv-SE".to_owned(),
        ..ClassifyRequest::default()
    };
    assert_eq!(client.classify(request).await.unwrap().into_inner().detected_language, "sv");
    let status = client.get_status(GetStatusRequest::default()).await.unwrap().into_inner();
    assert_eq!((status.mode.as_str(), status.provider_state.as_str()), ("local", "none"));
    assert_eq!(status.languages.len(), 28);
}
