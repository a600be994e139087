use proptest::prelude::*;

use super::*;
use crate::load::yaml;

mod refused;

const BASE: &str = "\
agent_id: booking
display_name: Booking Desk
description: Books, moves and cancels appointments.
type: mcp
endpoint: https://booking.example.com/mcp
is_default: false
confidence_threshold: 0.7
clarification_required: true
examples: [I need an appointment]
";

fn rules() -> Rules {
    let variables = [("WHO", "desk"), ("EMPTY", ""), ("EVIL", "x\nis_default: true")];
    Rules {
        variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        allowlist: Allowlist::parse(&["127.0.0.1:4100"]).expect("the entry is well formed"),
        handlers: vec!["echo".to_owned()],
    }
}

fn parse(text: &str) -> Result<Agent, Vec<String>> {
    let root = yaml::parse(text).map_err(|fault| vec![fault.message])?;
    let place =
        |fault: Fault| format!("{}:{} {}", fault.place.line, fault.place.column, fault.message);
    match read(root, &rules()) {
        Ok(definition) => Ok(definition.agent),
        Err(faults) => Err(faults.into_iter().map(place).collect()),
    }
}

/// The base with one of its fields set, or another one added, in line 10.
fn with(field: &str) -> Result<Agent, Vec<String>> {
    let name = field.split(':').next().expect("a text has a first part");
    let kept = BASE.lines().map(|line| if line.starts_with(name) { "" } else { line });
    parse(&format!("{}\n{field}\n", kept.collect::<Vec<_>>().join("\n")))
}

fn without(name: &str) -> Result<Agent, Vec<String>> {
    let kept: Vec<_> = BASE.lines().filter(|line| !line.starts_with(name)).collect();
    parse(&kept.join("\n"))
}

fn long(name: &str, count: usize) -> String {
    format!("{name}: {}", "é".repeat(count))
}

fn listed(name: &str, count: usize, item: &str) -> String {
    format!("{name}: [{}]", vec![item; count].join(", "))
}

#[test]
fn the_smallest_definition_has_the_defaults_of_the_contract() {
    let agent = parse(BASE).expect("the base is valid");
    assert_eq!(agent.agent_id, "booking");
    assert_eq!(agent.endpoint, "https://booking.example.com/mcp");
    assert_eq!(agent.transports, ["mcp", "a2a"]);
    assert!(agent.accepts_handoff);
    assert_eq!(agent.max_concurrent_sessions, None);
    assert_eq!((agent.timeout_ms, agent.cost), (None, None));
    assert_eq!((agent.metadata_json.as_str(), agent.pii.as_str()), ("", ""));
}

#[test]
fn a_whole_definition_keeps_every_field() {
    let agent = parse(&format!(
        "{BASE}{}",
        "\
clarification_context: I can book.
skills: [booking, calendar]
domains: [booking]
languages: [en, de-AT, zh-Hant]
specializations: [{domain: booking, proficiency_level: 1, min_confidence_threshold: 0.25}]
max_concurrent_sessions: 50
transports: [a2a]
cost: {model: gpt-4o, max_output_tokens: 600, per_call_usd: 0.000123}
timeout_ms: 5000
accepts_handoff: false
version: '1.0'
metadata:
  a2a_endpoint: https://booking.example.com/a2a
  parent_agent_id: front
  tools: [calendar]
  pii: mask
  owner: {team: '${WHO}', since: 2020, shares: [0.5, null, true]}
"
    ))
    .expect("it is valid");
    assert_eq!(agent.clarification_context, "I can book.");
    assert_eq!(agent.skills, ["booking", "calendar"]);
    assert_eq!(agent.languages, ["en", "de-AT", "zh-Hant"]);
    assert_eq!(agent.specializations.len(), 1);
    assert_eq!(agent.specializations[0].proficiency_level, 1.0);
    assert_eq!(agent.max_concurrent_sessions, Some(50));
    assert_eq!(agent.transports, ["a2a"]);
    let cost = agent.cost.expect("it has a cost");
    assert_eq!((cost.max_output_tokens, cost.per_call_micros), (Some(600), Some(123)));
    assert_eq!((agent.timeout_ms, agent.accepts_handoff), (Some(5_000), false));
    assert_eq!(agent.version, "1.0");
    assert_eq!(agent.a2a_endpoint, "https://booking.example.com/a2a");
    assert_eq!((agent.parent_agent_id.as_str(), agent.pii.as_str()), ("front", "mask"));
    assert_eq!(agent.tools, ["calendar"]);
    let json: serde_json::Value = serde_json::from_str(&agent.metadata_json).expect("it is JSON");
    assert_eq!(json["owner"]["team"], "desk");
    assert_eq!(json["owner"]["shares"], serde_json::json!([0.5, null, true]));
}

#[test]
fn the_example_of_the_contract_is_valid() {
    let agent = parse(
        r#"agent_id: booking
display_name: Booking Desk
description: Books, moves and cancels appointments. Does not handle refunds.
endpoint: "${BOOKING_AGENT_ENDPOINT:-https://booking.example.com/mcp}"
type: mcp
is_default: false
confidence_threshold: 0.7
clarification_required: true
clarification_context: I can book, move or cancel an appointment.
examples: [I need to book an appointment tomorrow, Move my visit to Friday]
skills: [booking, calendar]
domains: [booking]
languages: [en, de]
max_concurrent_sessions: 50
cost: {model: gpt-4o, max_output_tokens: 600}
"#,
    )
    .expect("the contract shows a valid one");
    assert_eq!(agent.endpoint, "https://booking.example.com/mcp");
    assert_eq!(agent.examples.len(), 2);
    assert_eq!(agent.max_concurrent_sessions, Some(50));
}

#[test]
fn what_the_rules_allow_at_their_edges_is_accepted() {
    let cases = [
        "agent_id: a".to_owned(),
        format!("agent_id: {}", "a".repeat(64)),
        "agent_id: 0-9".to_owned(),
        "agent_id: '42'".to_owned(),
        "agent_id: ${WHO}".to_owned(),
        "agent_id: mesh-2".to_owned(),
        long("display_name", 200),
        long("description", 5_000),
        "description: '  verbatim  '".to_owned(),
        "endpoint: ${MISSING:-http://127.0.0.1:4100/sales}".to_owned(),
        "endpoint: http://10.example.com/".to_owned(),
        "confidence_threshold: 0".to_owned(),
        "confidence_threshold: 1".to_owned(),
        "confidence_threshold: 1.0".to_owned(),
        "confidence_threshold: 7e-1".to_owned(),
        long("clarification_context", 500),
        "clarification_context: ''".to_owned(),
        "clarification_context: ${EMPTY:-not this}".to_owned(),
        listed("examples", 20, "help"),
        "examples: [no, yes, on, off, y]".to_owned(),
        "examples: ['42', 2024-01-01, 12:30]".to_owned(),
        listed("skills", 50, "x"),
        "skills: []".to_owned(),
        "skills: null".to_owned(),
        "languages: [EN, pt-br, sr-Latn-RS, x-private]".to_owned(),
        "max_concurrent_sessions: 1".to_owned(),
        "max_concurrent_sessions: 100000".to_owned(),
        "max_concurrent_sessions: ~".to_owned(),
        "transports: [a2a, mcp]".to_owned(),
        "cost: {model: m}".to_owned(),
        "cost: {model: m, per_call_usd: 1000}".to_owned(),
        "cost: {model: m, per_call_usd: 0.000001}".to_owned(),
        "timeout_ms: 100".to_owned(),
        "timeout_ms: 600000".to_owned(),
        "metadata: {}".to_owned(),
        "metadata: {a2a_endpoint: null}".to_owned(),
        "type: mcp # ${NOT_EXPANDED}".to_owned(),
    ];
    for field in cases {
        assert!(with(&field).is_ok(), "{field}: {:?}", with(&field));
    }
}

#[test]
fn the_default_agent_has_the_threshold_zero_and_no_other() {
    let default = |threshold: &str| {
        let text = BASE.replace("is_default: false", "is_default: true");
        parse(&text.replace("0.7", threshold))
    };
    for zero in ["0", "0.0", "-0.0", "0e5"] {
        assert!(default(zero).is_ok(), "{zero}");
    }
    let message = "7:23 confidence_threshold: must be 0 for the default agent, is 0.01";
    assert_eq!(default("0.01"), Err(vec![message.to_owned()]));
}

#[test]
fn an_agent_inside_the_router_needs_no_endpoint() {
    let reached = BASE.replace("booking\n", "echo\n").replace("type: mcp", "type: builtin");
    let text = reached.replace("endpoint: https://booking.example.com/mcp\n", "");
    let agent = parse(&text).expect("the router has a handler for it");
    assert_eq!((agent.r#type.as_str(), agent.endpoint.as_str()), ("inprocess", ""));
    let fault = "5:11 endpoint: nobody is called there, since the agent is `inprocess`".to_owned();
    assert_eq!(parse(&reached), Err(vec![fault]), "and may have none");
}

#[test]
fn a_variable_cannot_create_keys() {
    let agent = with("display_name: ${EVIL}").expect("a line break is text like any other");
    assert_eq!(agent.display_name, "x\nis_default: true");
    assert!(!agent.is_default);
    assert!(with("${WHO}: x").is_err(), "keys are taken as they stand");
}

#[test]
fn merge_keys_tags_and_second_documents_are_refused() {
    let cases = [
        format!("<<: {{skills: [x]}}\n{BASE}"),
        BASE.replace("booking\n", "!secret booking\n"),
        format!("{BASE}---\n{BASE}"),
        BASE.replace("booking\n", "*nowhere\n"),
    ];
    for text in cases {
        assert_eq!(parse(&text).expect_err(&text).len(), 1, "{text}");
    }
}

proptest! {
    /// No text makes the parser or the rules panic, and a fault always has a message.
    #[test]
    fn any_text_gets_a_verdict(text in "[a-z_:\\[\\]{}&*!|>'\"$# \n\t0-9é-]{0,200}") {
        if let Err(faults) = parse(&text) {
            prop_assert!(faults.iter().all(|fault| !fault.is_empty()));
        }
    }

    /// A definition with one line replaced by anything never panics.
    #[test]
    fn any_value_gets_a_verdict(value in "\\PC{0,60}", line in 0_usize..9) {
        let mut lines: Vec<_> = BASE.lines().map(str::to_owned).collect();
        let name = lines[line].split(':').next().expect("a line has a first part").to_owned();
        lines[line] = format!("{name}: {value}");
        if let Ok(agent) = parse(&lines.join("\n")) {
            prop_assert!((1..=64).contains(&agent.agent_id.len()));
            prop_assert!((0.0..=1.0).contains(&agent.confidence_threshold));
        }
    }
}
