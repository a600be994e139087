//! One query among twenty agents of twenty examples, and learning them: `cargo bench -p classifier`.
//!
//! The model tier needs the files that `services/classifier/tests/model/fetch` puts into target/models.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use classifier::model::{self, Model, Profile};
use classifier::sentence::Sentences;
use classifier::tier::Tier;
use classifier::vectors::Vectors;
use criterion::{Criterion, criterion_group, criterion_main};

const AGENTS: usize = 20;
const EXAMPLES: usize = 20;
const MARGIN: f64 = 0.1;
/// Fourteen pieces with the marks around them.
const QUERY: &str = "could you tell me when my new bank card will arrive";

const TOPICS: [&str; AGENTS] = [
    "order",
    "refund",
    "invoice",
    "parcel",
    "repair",
    "appointment",
    "visa",
    "flight",
    "hotel",
    "recipe",
    "loan",
    "card",
    "salary",
    "holiday",
    "insurance",
    "printer",
    "password",
    "concert",
    "garden",
    "doctor",
];
const ASKS: [&str; EXAMPLES] = [
    "where is my {}",
    "i have a question about the {}",
    "can you change my {} please",
    "cancel the {} of last week",
    "how much does a {} cost",
    "what do i need for a {}",
    "my {} has not come yet",
    "there is something wrong with the {}",
    "who can help me with a {}",
    "i want a new {}",
    "is the {} still available",
    "how long does the {} take",
    "when can i get my {} back",
    "please send me the {} again",
    "i lost the papers of my {}",
    "which {} would you recommend",
    "can i move the {} to friday",
    "does my {} have a guarantee",
    "explain the {} to me",
    "i am not happy with my {}",
];

fn profiles() -> Vec<Profile> {
    let profile = |(n, topic): (usize, &&str)| Profile {
        agent_id: format!("{topic}-desk"),
        description: format!(
            "Helps with every {topic}, answers questions about it and changes it."
        ),
        examples: ASKS.iter().map(|ask| ask.replace("{}", topic)).collect(),
        is_default: n == 0,
        ..Profile::default()
    };
    TOPICS.iter().enumerate().map(profile).collect()
}

fn sentences(vectors: Arc<Vectors>) -> Arc<Sentences> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/all-MiniLM-L6-v2");
    let sentences = Sentences::load(&folder, vectors);
    Arc::new(sentences.expect("services/classifier/tests/model/fetch was run"))
}

fn classify(criterion: &mut Criterion) {
    let vectors = Arc::new(Vectors::shipped().expect("the shipped table is whole"));
    let sentences = sentences(vectors.clone());
    let profiles = profiles();
    sentences.study(&model::texts(&profiles), &AtomicBool::new(false));
    let tiers: [Arc<dyn Tier>; 2] = [vectors, sentences];
    let mut group = criterion.benchmark_group("classify");
    group.measurement_time(Duration::from_secs(5));
    for tier in &tiers {
        let model = Model::learn(&profiles, tier.clone());
        group.bench_function(tier.name(), |bench| {
            bench.iter(|| model.classify(black_box(QUERY), MARGIN));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("learn");
    group.sample_size(10);
    // What the sentence model has seen already is what a new generation mostly consists of.
    for tier in &tiers {
        group.bench_function(tier.name(), |bench| {
            bench.iter(|| Model::learn(black_box(&profiles), tier.clone()));
        });
    }
    group.finish();
}

criterion_group!(benches, classify);
criterion_main!(benches);
