use super::*;
use crate::vectors::Vectors;

const MARGIN: f64 = 0.1;

fn vectors() -> Arc<Vectors> {
    Arc::new(Vectors::shipped().unwrap())
}

fn profile(agent_id: &str, description: &str, examples: &[&str]) -> Profile {
    Profile {
        agent_id: agent_id.to_owned(),
        description: description.to_owned(),
        examples: examples.iter().map(|text| (*text).to_owned()).collect(),
        is_default: agent_id == "default-agent",
        ..Profile::default()
    }
}

/// What a shop with four agents would write.
fn shop() -> Vec<Profile> {
    vec![
        profile(
            "sales",
            "Helps customers to find and compare products, tells prices and quotes totals.",
            &[
                "What does the blue mug cost?",
                "Which tents do you sell?",
                "Do you have hiking boots in size 42?",
                "Compare the two backpacks for me",
                "I want to buy a present for my father",
                "Is there a discount for ten pieces?",
                "Can you recommend a sleeping bag?",
                "What is the price of the lamp?",
                "Give me a quote for three chairs",
                "Is this available in red?",
            ],
        ),
        profile(
            "support",
            "Helps with orders, deliveries, returns, refunds, warranty and broken products.",
            &[
                "Where is my parcel?",
                "My order has not arrived yet",
                "I want to return these shoes",
                "The zipper of my jacket is broken",
                "I would like my money back",
                "I received the wrong item",
                "How do I track my delivery?",
                "Can I change the address of my order?",
                "Does the warranty cover this damage?",
                "I need a refund",
            ],
        ),
        profile(
            "booking",
            "Books, moves and cancels appointments. Does not handle refunds.",
            &[
                "I need to book an appointment tomorrow",
                "Move my visit to Friday",
                "Cancel my appointment",
                "Do you have a free slot on Monday morning?",
                "Can I come by at 5pm?",
                "Reserve a boot fitting for me",
                "When can I get my skis serviced?",
                "I would like to reschedule",
                "Is Tuesday at ten still free?",
                "Make an appointment for two people",
            ],
        ),
        profile(
            "default-agent",
            "Greets people and says what the desks can do.",
            &[
                "Hello",
                "Hi there",
                "Good morning",
                "What can you do?",
                "Thank you",
                "Who are you?",
                "Bye",
            ],
        ),
    ]
}

#[test]
fn a_shop_routes_its_customers_with_confidence() {
    let model = Model::learn(&shop(), vectors());
    let cases = [
        ("I need help with my order", "support"),
        ("how much does the red tent cost?", "sales"),
        ("how much does X cost?", "sales"),
        ("I want to book an appointment tomorrow", "booking"),
        ("can I get an appointment on friday at 3pm", "booking"),
        ("where is my order, it should be here by now", "support"),
        ("hi", "default-agent"),
        ("Hello!", "default-agent"),
        ("good evening", "default-agent"),
    ];
    for (text, agent) in cases {
        let verdict = model.classify(text, MARGIN);
        assert_eq!(verdict.agent_id, agent, "{text}: {:?}", verdict.scores);
        assert!(0.7 <= verdict.confidence && !verdict.ambiguous, "{text}: {:?}", verdict.scores);
    }
}

#[test]
fn what_fits_no_agent_goes_to_the_default_agent() {
    let model = Model::learn(&shop(), vectors());
    for text in [
        "",
        "   ",
        "?!",
        "🦀".repeat(500).as_str(),
        "qqqq zzzz xxxx",
        "why do stars twinkle at night",
    ] {
        assert_eq!(model.classify(text, MARGIN).agent_id, "default-agent", "{text}");
    }
}

#[test]
fn words_match_as_tokens() {
    let agents = [
        profile("orders", "orders", &["status of my order", "order number", "order"]),
        profile("trips", "border crossings", &["crossing the border", "border papers", "border"]),
        profile("default-agent", "greets", &["hello"]),
    ];
    let model = Model::learn(&agents, vectors());
    assert_eq!(model.classify("the border", MARGIN).agent_id, "trips");
    assert_eq!(model.classify("the order", MARGIN).agent_id, "orders");
}

#[test]
fn the_order_of_files_and_examples_does_not_matter() {
    let mut turned = shop();
    turned.reverse();
    turned.iter_mut().for_each(|profile| profile.examples.reverse());
    let (one, other) = (Model::learn(&shop(), vectors()), Model::learn(&turned, vectors()));
    for text in ["I need help with my order", "a free slot", "hm", "price of the mug", ""] {
        assert_eq!(one.classify(text, MARGIN), other.classify(text, MARGIN), "{text}");
    }
}

#[test]
fn probabilities_cover_all_agents_and_sum_to_one() {
    let model = Model::learn(&shop(), vectors());
    let long = "refund ".repeat(3000);
    for text in ["", "refund", "我要退款", "أريد استرداد", "12345", long.as_str()] {
        let verdict = model.classify(text, MARGIN);
        let ids: Vec<&str> = verdict.scores.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["booking", "default-agent", "sales", "support"], "{text}");
        let sum: f64 = verdict.scores.iter().map(|(_, score)| score).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{text}: {sum}");
        assert!((0.0..=1.0).contains(&verdict.confidence), "{text}");
    }
}

#[test]
fn odd_definitions_make_a_model_too() {
    let same = ["the very same sentence", "the very same sentence"];
    let emoji = "👍".repeat(500);
    let cases = [
        vec![profile("default-agent", "x", &["y"])],
        vec![profile("a", "one", &["one"]), profile("default-agent", "two", &["two"])],
        vec![
            profile("a", "", &same),
            profile("b", "", &same),
            profile("default-agent", "", &["hi"]),
        ],
        vec![profile("a", &emoji, &[emoji.as_str()]), profile("default-agent", "!", &["?"])],
        vec![profile("a", "退款", &["我要退款"]), profile("default-agent", "مرحبا", &["مرحبا بك"])],
        vec![profile("a", "no default here", &["alpha"]), profile("b", "nor here", &["beta"])],
    ];
    for profiles in cases {
        let model = Model::learn(&profiles, vectors());
        for text in ["the very same sentence", "👍", "我要退款", "مرحبا", "alpha", ""] {
            let verdict = model.classify(text, MARGIN);
            assert!(
                verdict.confidence.is_finite() && 0.0 <= verdict.confidence,
                "{profiles:?} {text}"
            );
        }
    }
}

#[test]
fn an_example_is_its_agents_and_of_two_agents_it_is_ambiguous() {
    let mut agents = shop();
    let text = "Does the WARRANTY cover this damage";
    assert!(0.97 < Model::learn(&agents, vectors()).classify(text, MARGIN).confidence);
    agents[0].examples.push("does the warranty cover this damage?".to_owned());
    let verdict = Model::learn(&agents, vectors()).classify(text, MARGIN);
    assert!(verdict.ambiguous, "{:?}", verdict.scores);
}

#[test]
fn many_agents_are_condensed_rather_than_refused() {
    let agents: Vec<Profile> = (0..300)
        .map(|n| {
            let examples: Vec<String> =
                (0..8).map(|k| format!("topic{n} question{k} about item{n}")).collect();
            let examples: Vec<&str> = examples.iter().map(String::as_str).collect();
            profile(&format!("agent-{n:03}"), &format!("topic{n}"), &examples)
        })
        .collect();
    let model = Model::learn(&agents, vectors());
    assert_eq!(model.classify("question about topic7 and item7", MARGIN).agent_id, "agent-007");
}

#[test]
fn an_example_that_another_agent_also_claims_is_named() {
    let mut agents = shop();
    assert_eq!(Model::learn(&agents, vectors()).overlaps(), [], "a clean set has no overlap");
    agents[0].examples.push("How do I track my parcel?".to_owned());
    let model = Model::learn(&agents, vectors());
    let found = model.overlaps().iter().find(|overlap| overlap.agent_id == "sales");
    let overlap = found.expect("the stray example is found");
    assert_eq!((overlap.agent_id.as_str(), overlap.other_agent_id.as_str()), ("sales", "support"));
    assert_eq!(overlap.example, "How do I track my parcel?");
    assert_eq!(overlap.other_text, "How do I track my delivery?");
}
