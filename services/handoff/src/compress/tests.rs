use chassis::tokens::estimate;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proto::v1::{CompressedContext, Entry};

use super::{Limits, Method, Story, compress, count};

mod planted;

const METHODS: [Method; 3] = [Method::SlidingWindow, Method::Summary, Method::Hybrid];

fn entry(role: &str, content: &str, position: i64) -> Entry {
    Entry { role: role.to_owned(), content: content.to_owned(), position, ..Entry::default() }
}

/// A conversation of these texts in turn, the user first.
fn talk(texts: &[&str]) -> Vec<Entry> {
    let role = |index: usize| if index.is_multiple_of(2) { "user" } else { "agent" };
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| entry(role(index), text, index as i64 + 1))
        .collect()
}

fn limits(method: Method, tokens_max: i64, recent_kept: usize) -> Limits {
    Limits { method, tokens_max, recent_kept, is_masked: false }
}

fn told(messages: &[Entry], limits: &Limits) -> CompressedContext {
    compress(&Story { messages, source_summary: "" }, limits)
}

fn golden() -> Vec<Entry> {
    let texts = [56, 60, 56, 36, 36, 48].map(|length| "x".repeat(length));
    talk(&texts.each_ref().map(String::as_str))
}

#[test]
fn the_golden_window_holds() {
    let messages = golden();
    let brief = told(&messages, &limits(Method::SlidingWindow, 40, 2));
    assert_eq!(brief.recent_messages, messages[4..]);
    assert_eq!(brief.summary, messages[3].content);
    assert_eq!((brief.original_token_count, brief.compressed_token_count), (73, 30));
    assert_eq!((brief.compression_ratio, brief.recent_dropped), (0.411, 0));
    assert_eq!(brief.compression_method, "sliding_window");
}

#[test]
fn what_fits_travels_whole() {
    let messages = golden();
    for method in METHODS {
        let brief = told(&messages, &limits(method, 80, 2));
        assert_eq!(brief.recent_messages, messages);
        assert_eq!(
            (brief.compression_method.as_str(), brief.compressed_token_count),
            ("identity", 73)
        );
        assert_eq!(brief.compression_ratio, 1.0);
        let empty = CompressedContext::default();
        assert_eq!((&brief.summary, &brief.key_facts), (&empty.summary, &empty.key_facts));
    }
    let nothing = told(&[], &limits(Method::Hybrid, 50, 3));
    assert_eq!((nothing.compressed_token_count, nothing.compression_ratio), (0, 1.0));
}

#[test]
fn a_recent_message_that_does_not_fit_joins_the_past_with_all_before_it() {
    let long = "word ".repeat(100);
    let messages = talk(&["first", "second", &long, "fourth", "fifth"]);
    for method in METHODS {
        let brief = told(&messages, &limits(method, 60, 4));
        assert_eq!(brief.recent_messages, messages[3..], "{method:?}");
        assert_eq!(brief.recent_dropped, 2, "{method:?}");
    }
}

#[test]
fn the_words_of_the_source_come_first_and_take_a_quarter_at_most() {
    let messages = golden();
    let long = "refund ".repeat(100);
    let story = |summary| Story { messages: &messages, source_summary: summary };
    for method in METHODS {
        let short = compress(&story("Wants a refund."), &limits(method, 60, 1));
        assert!(short.summary.starts_with("Wants a refund."), "{method:?}: {}", short.summary);
        let brief = compress(&story(&long), &limits(method, 60, 1));
        let head: String = brief.summary.chars().take_while(|sign| *sign != 'x').collect();
        assert!(
            head.starts_with("refund refund") && estimate(head.trim()) <= 15,
            "{method:?}: {head}"
        );
        assert!(head.trim().ends_with("refund"), "a word was cut: {head}");
    }
}

#[test]
fn the_summary_keeps_what_weighs_most_in_its_order() {
    let filler = "Yes.";
    let texts = [
        "The parcel came with a broken lamp inside.",
        filler,
        filler,
        filler,
        filler,
        "It is important that the new lamp arrives before Friday.",
        filler,
        filler,
        filler,
        "So that is where we stand with the lamp now.",
        "ok",
    ];
    let brief = told(&talk(&texts), &limits(Method::Summary, 43, 1));
    assert_eq!(brief.summary, [texts[0], texts[5], texts[9]].join(" "));
}

#[test]
fn a_hybrid_brief_names_facts_things_wishes_and_intents() {
    let mut messages = talk(&[
        "Hi, I am here about order ORD-48213 of March 12, 2026.",
        "I found it. I will send a new lamp by tomorrow.",
        "Could you also refund $12.50 for shipping as soon as possible?",
        "Let me look at it.",
        &"It rained all week and nobody at home knew what to do about that. ".repeat(12),
        "I see.",
        "Anything else?",
    ]);
    messages[0].intent_summary = "broken lamp".to_owned();
    messages[2].intent_summary = "refund".to_owned();
    messages[4].intent_summary = "refund".to_owned();
    let brief = told(&messages, &limits(Method::Hybrid, 200, 2));
    let things: Vec<_> =
        brief.entities.iter().map(|found| (found.r#type.as_str(), found.value.as_str())).collect();
    assert_eq!(
        things,
        [("amount", "12.50 USD"), ("order_id", "ORD-48213"), ("date", "2026-03-12")],
        "{brief:?}"
    );
    assert!(brief.entities.iter().all(|found| found.resolved));
    let items: Vec<_> = brief
        .open_items
        .iter()
        .map(|item| (item.description.as_str(), item.priority.as_str()))
        .collect();
    assert_eq!(
        items,
        [
            ("Could you also refund $12.50 for shipping as soon as possible?", "high"),
            ("I will send a new lamp by tomorrow.", "medium"),
        ]
    );
    assert_eq!(brief.key_facts[0].fact, "Hi, I am here about order ORD-48213 of March 12, 2026.");
    assert_eq!(brief.key_facts[0].source_message_ids, ["1"]);
    let intents: Vec<_> =
        brief.intents.iter().map(|seen| (seen.intent.as_str(), seen.confidence)).collect();
    assert_eq!(intents, [("refund", 0.667), ("broken lamp", 0.333)]);
}

#[test]
fn masking_reaches_everything_that_is_sent() {
    let long = format!("{} Mail jan.müller@example.de please.", "It is a long story. ".repeat(60));
    let messages = talk(&[&long, "Call +49 170 1234567.", "My card is 4111 1111 1111 1111."]);
    let story = Story { messages: &messages, source_summary: "He is jan.müller@example.de" };
    for (method, tokens_max) in
        METHODS.into_iter().flat_map(|method| [(method, 100), (method, 5_000)])
    {
        let brief = compress(&story, &Limits { is_masked: true, ..limits(method, tokens_max, 2) });
        let sent = format!("{brief:?}");
        for secret in ["example.de", "1234567", "4111"] {
            assert!(!sent.contains(secret), "{method:?} sent {secret}");
        }
        assert!(sent.contains("[REDACTED:phone]") && sent.contains("[REDACTED:email]"));
        assert!(brief.compressed_token_count <= tokens_max.min(brief.original_token_count));
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-zäöüß]{1,12}",
        Just("ORD-48213".to_owned()),
        Just("anna@example.com".to_owned()),
        Just("12. März 2026".to_owned()),
        Just("€12,50".to_owned()),
        Just("please".to_owned()),
        Just("我要退款。".to_owned()),
        Just("urgent!".to_owned()),
        Just("Why?".to_owned()),
        Just("\n".to_owned()),
        "\\PC{0,8}",
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

fn any_history() -> impl Strategy<Value = Vec<Entry>> {
    let message = (any::<bool>(), any_text(), "[a-z ]{0,40}");
    prop::collection::vec(message, 0..30).prop_map(|messages| {
        let build =
            |(index, (is_user, content, intent_summary)): (usize, (bool, String, String))| Entry {
                intent_summary,
                ..entry(if is_user { "user" } else { "agent" }, &content, index as i64)
            };
        messages.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    // Each case runs every strategy twice.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_brief_is_never_larger_than_the_cap_or_the_original(
        messages in any_history(),
        source_summary in any_text(),
        tokens_max in 1_i64..600,
        recent_kept in 0_usize..8,
        is_masked in any::<bool>(),
    ) {
        for method in METHODS {
            let story = Story { messages: &messages, source_summary: &source_summary };
            let limits = Limits { is_masked, ..limits(method, tokens_max, recent_kept) };
            let brief = compress(&story, &limits);
            prop_assert_eq!(brief.compressed_token_count, count(&brief));
            prop_assert!(brief.compressed_token_count <= tokens_max.min(brief.original_token_count));
            prop_assert!(brief.key_facts.len() <= 20 && brief.entities.len() <= 20);
            prop_assert!(brief.open_items.len() <= 10 && brief.intents.len() <= 5);
            prop_assert!(brief.key_facts.iter().all(|fact| fact.fact.chars().count() <= 200));
            if !is_masked {
                let last = &messages[messages.len() - brief.recent_messages.len()..];
                prop_assert_eq!(&brief.recent_messages[..], last, "recent messages were changed");
            }
            for fact in &brief.key_facts {
                prop_assert!(!brief.summary.contains(&fact.fact), "a fact was told twice");
                let recent = brief.recent_messages.iter();
                prop_assert!(recent.clone().all(|message| !message.content.contains(&fact.fact)));
            }
            prop_assert_eq!(compress(&story, &limits), brief, "the same story, another brief");
        }
    }
}
