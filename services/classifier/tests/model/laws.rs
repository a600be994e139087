//! What holds for every tier, whatever customers and owners write.

use std::sync::Arc;

use classifier::model::{Model, Profile, Verdict};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{profile, shop, tiers};

const MARGIN: f64 = 0.1;
/// A sentence takes the model tier milliseconds.
const CASES: u32 = 12;

fn assert_sound(verdict: &Verdict, context: &str) {
    let sum: f64 = verdict.scores.iter().map(|(_, score)| score).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{context}: {sum}");
    assert!((0.0..=1.0).contains(&verdict.confidence), "{context}: {}", verdict.confidence);
    assert!(verdict.scores.is_sorted_by(|a, b| a.0 < b.0), "{context}: by id");
    assert!(verdict.scores.iter().any(|(id, _)| *id == verdict.agent_id), "{context}");
}

/// Texts as the worst keyboards make them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,60}",
        "[a-z ]{0,120}",
        "[\u{4e00}-\u{4eff}]{1,40}",
        "[\u{0621}-\u{064a} ]{1,60}",
        "[\u{1F600}-\u{1F64F}]{1,30}",
        "[ -/:-@]{1,60}",
    ]
}

#[test]
fn equal_input_gives_equal_bits_and_order_means_nothing() {
    let tiers = tiers();
    let straight: Vec<Model> =
        tiers.iter().map(|tier| Model::learn(&shop(), tier.clone())).collect();
    let strategy = (prop::collection::vec(any::<Index>(), 4), text());
    proptest!(ProptestConfig::with_cases(CASES), |((order, text) in strategy)| {
        let mut turned = shop();
        for (n, index) in order.iter().enumerate() {
            let agents = turned.len();
            turned.swap(n, index.index(agents));
            let examples = turned[n].examples.len();
            turned[n].examples.rotate_left(index.index(examples));
        }
        for (model, tier) in straight.iter().zip(&tiers) {
            let verdict = model.classify(&text, MARGIN);
            assert_sound(&verdict, &text);
            prop_assert_eq!(&verdict, &model.classify(&text, MARGIN), "twice");
            let other = Model::learn(&turned, tier.clone());
            prop_assert_eq!(verdict, other.classify(&text, MARGIN), "in another order");
        }
    });
}

#[test]
fn any_definitions_make_a_model() {
    let tiers = tiers();
    let agent = ("[a-c]", text(), prop::collection::vec(text(), 1..3));
    let strategy = (prop::collection::vec(agent, 1..4), text());
    proptest!(ProptestConfig::with_cases(CASES), |((agents, text) in strategy)| {
        let told = agents.iter().enumerate().map(|(n, (id, description, examples))| {
            let examples: Vec<&str> = examples.iter().map(String::as_str).collect();
            Profile { is_default: n == 0, ..profile(&format!("{id}-{n}"), description, &examples) }
        });
        let profiles: Vec<Profile> = told.collect();
        for tier in &tiers {
            let model = Model::learn(&profiles, tier.clone());
            assert_sound(&model.classify(&text, MARGIN), &text);
            assert_sound(&model.classify(&profiles[0].examples[0], MARGIN), "an example");
        }
    });
}

#[test]
fn five_hundred_signs_of_anything_are_classified() {
    let texts = ["👍", "退款", "استرداد ", "١٢٣", "?!… ", "a", "\u{0}", "\u{301}", "ﷺ"];
    for tier in tiers() {
        let model = Model::learn(&shop(), tier);
        for text in texts {
            let long: String = text.chars().cycle().take(500).collect();
            assert_sound(&model.classify(&long, MARGIN), text);
        }
    }
}

#[test]
fn one_example_is_enough_and_equal_examples_are_ambiguous() {
    for tier in tiers() {
        let single = [
            profile("bakery", "", &["two loaves of bread please"]),
            profile("default-agent", "", &["hello"]),
        ];
        let model = Model::learn(&single, tier.clone());
        let found = model.classify("i would like a loaf of bread", MARGIN);
        assert_eq!(found.agent_id, "bakery", "{} {:?}", tier.name(), found.scores);
        let equal = [
            profile("a", "", &["the very same sentence"]),
            profile("b", "", &["the very same sentence"]),
            profile("default-agent", "", &["hello"]),
        ];
        let verdict = Model::learn(&equal, tier.clone()).classify("the very same sentence", MARGIN);
        assert!(verdict.ambiguous, "{} {:?}", tier.name(), verdict.scores);
        assert_ne!(verdict.agent_id, "default-agent", "{} {:?}", tier.name(), verdict.scores);
    }
}

#[test]
fn customers_reach_their_desk_and_strangers_the_default_agent() {
    let cases = [
        ("my parcel did not come", "support"),
        ("what is the price of a tent", "sales"),
        ("could I come by next week, say on Tuesday", "booking"),
        ("hello there", "default-agent"),
        ("who was the first emperor of rome", "default-agent"),
        ("", "default-agent"),
    ];
    for tier in tiers() {
        let model = Arc::new(Model::learn(&shop(), tier.clone()));
        for (text, agent) in cases {
            let verdict = model.classify(text, MARGIN);
            assert_eq!(verdict.agent_id, agent, "{}: {text}: {:?}", tier.name(), verdict.scores);
        }
    }
}
