use router::gate::{Action, Decision, Question};
use router::record::{Input, Tightest, Timing};

use super::*;

fn shown(record: &Record) -> String {
    let page = Page::of(record.json()).unwrap();
    let mut out = Vec::new();
    page.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A first message that sales answers after it was offered to support.
fn record() -> Record {
    let scores = || vec![("sales".to_owned(), 0.125), ("support".to_owned(), 0.875)];
    Record {
        request_id: "r-1".to_owned(),
        turn_id: "t-1".to_owned(),
        session_id: "s-1".to_owned(),
        attempt: 1,
        input: Input { sha256: "ab12".to_owned(), length: 25 },
        registry_generation: 7,
        classification: Some(Classified {
            agent_id: "support".to_owned(),
            confidence: 0.875,
            ambiguous: true,
            language: "en".to_owned(),
            mode: "local".to_owned(),
            tier: "static".to_owned(),
            revision: "27e1".to_owned(),
            fallback_reason: "timeout".to_owned(),
            scores: scores(),
        }),
        gate: Some(Gated {
            question: Question {
                agent_id: "support".to_owned(),
                confidence: 0.875,
                ambiguous: true,
                bypass: false,
                may_ask: false,
                candidate: None,
                default_agent: "sales".to_owned(),
            },
            decision: Decision {
                action: Action::Fallback,
                agent_id: "sales".to_owned(),
                reason: "Ambiguous, falling back to default".to_owned(),
                rule: 6,
            },
        }),
        dispatches: vec![Dispatched {
            agent_id: "sales".to_owned(),
            budget_action: "allow".to_owned(),
            reserved_micros: 50_000,
            tightest: Some(Tightest {
                scope: "user:ada".to_owned(),
                limit_micros: 10_000_000,
                remaining_micros: 9_950_000,
            }),
            breaker: "granted".to_owned(),
            slot: true,
            attempts: 2,
            outcome: "answered".to_owned(),
            ..Dispatched::default()
        }],
        outcome: "answer".to_owned(),
        timings: vec![Timing { step: "accept".to_owned(), micros: 1_234 }],
        ..Record::default()
    }
}

#[test]
fn a_page_leads_from_the_request_to_its_outcome() {
    let expected = "\
request      r-1
outcome      answer
session      s-1
turn         t-1, attempt 1
input        25 characters, SHA-256 ab12
definitions  generation 7

classified by local static 27e1, language en, in place of the language model: timeout
support with 0.875, and another is nearly as likely
agent    score
support  0.875
sales    0.125

gate: fallback sales, by rule 6: Ambiguous, falling back to default

hop  agent  budget  reserved  tightest scope                breaker  slot  attempts  outcome
  0  sales  allow       0.05  user:ada, 9.95 of 10 left  granted  free         2  answered

step       ms
accept  1.234
";
    let squeezed = |text: &str| {
        let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        words.collect::<Vec<_>>()
    };
    assert_eq!(squeezed(&shown(&record())), squeezed(expected));
}

#[test]
fn a_handoff_shows_who_could_and_who_would_not() {
    let candidate = Scored {
        agent_id: "second".to_owned(),
        score_millionths: 650_000,
        skill: Some(0.5),
        ..Scored::default()
    };
    let handoff = Transferred {
        handoff_id: "handoff-1".to_owned(),
        from_agent: "sales".to_owned(),
        trigger: "specialist_required".to_owned(),
        decision: "primary".to_owned(),
        accepted_agent: "second".to_owned(),
        excluded: vec!["third".to_owned()],
        candidates: vec![candidate],
        rejections: vec![("first".to_owned(), "overloaded".to_owned())],
        ..Transferred::default()
    };
    let refused = Transferred {
        decision: "fallback".to_owned(),
        reason: "no_eligible_agent".to_owned(),
        accepted_agent: String::new(),
        ..handoff.clone()
    };
    let page = shown(&Record { handoffs: vec![handoff, refused], ..Record::default() });
    for line in [
        "handoff-1 from sales, trigger specialist_required: primary",
        "second took over",
        "first refused: overloaded",
        "ruled out: third",
        "handoff-1 from sales, trigger specialist_required: fallback",
        "nobody took over: no_eligible_agent",
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line} is missing: {page}");
    }
    let row = page.lines().find(|line| line.starts_with("second  ")).unwrap_or_default();
    let parts: Vec<_> = row.split_whitespace().collect();
    assert_eq!(parts, ["second", "0.650", "0.500", "-", "-", "-"], "{page}");
}

#[test]
fn a_topic_says_who_goes_on() {
    let topic = |sales: f64| Topic {
        active_agent: "sales".to_owned(),
        default_agent: "hello".to_owned(),
        scores: vec![("sales".to_owned(), sales), ("support".to_owned(), 0.9)],
        confidence_min: 0.6,
        score_min: 0.8,
    };
    let page = |sales: f64| {
        shown(&Record { bypass: true, topic: Some(topic(sales)), ..Record::default() })
    };
    assert!(page(0.1).contains("so support takes over, with 0.900"), "{}", page(0.1));
    assert!(page(0.7).contains("so sales goes on"), "{}", page(0.7));
    assert!(page(0.7).contains("the session's agent goes on without classification"));
}

#[test]
fn programs_get_the_record_as_it_is_stored() {
    let json = r#"{"request_id":"r-1", "turn_id":"t","session_id":"s","attempt":1,"input":{"sha256":"","length":0},"#;
    let rest =
        r#""registry_generation":1,"bypass":false,"classification":null,"gate":null,"topic":null,"#;
    let end = r#""dispatches":[],"handoffs":[],"outcome":"answer","timings":[],"later":1.10}"#;
    let json = format!("{json}{rest}{end}");
    let page = Page::of(json.clone()).unwrap();
    assert_eq!(serde_json::to_string_pretty(&page).unwrap(), json);
    assert!(Page::of("{}".to_owned()).is_err());
}
