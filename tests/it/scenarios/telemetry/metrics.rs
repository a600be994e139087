//! Every metric of the contract, scraped from running programs, and named right in the shipped dashboards.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{model, pass_on};
use crate::agent::Act;
use crate::client::Client;
use crate::fleet::{Fleet, shop};
use crate::world::{KEY, Topology};

/// Name as it is scraped, type, labels.
const METRICS: [(&str, &str, &[&str]); 21] = [
    ("orchestrator_requests_total", "counter", &["status", "agent_id"]),
    ("classifier_calls_total", "counter", &["status", "mode"]),
    ("confidence_clarification_count_total", "counter", &["agent_id"]),
    ("agent_dispatch_total", "counter", &["agent_id", "status"]),
    ("agent_dispatch_errors_total", "counter", &["agent_id", "error_type"]),
    ("agent_contract_violations_total", "counter", &["agent_id", "kind"]),
    ("circuit_breaker_transitions_total", "counter", &["agent_id", "to"]),
    ("budget_reservations_total", "counter", &["action"]),
    ("budget_settled_usd_total", "counter", &["scope_type"]),
    ("handoff_count_total", "counter", &["outcome", "trigger"]),
    ("ratelimit_rejected_total", "counter", &["kind"]),
    ("orchestrator_requests_duration_ms", "histogram", &["component"]),
    ("session_lookup_duration_ms", "histogram", &["hit"]),
    ("classifier_calls_duration_ms", "histogram", &["mode"]),
    ("agent_dispatch_duration_ms", "histogram", &["agent_id"]),
    ("budget_batch_size", "histogram", &[]),
    ("handoff_duration_ms", "histogram", &[]),
    ("handoff_compression_ratio", "histogram", &[]),
    ("circuit_breaker_state", "gauge", &["agent_id"]),
    ("budget_open_reservations", "gauge", &[]),
    ("gateway_sockets", "gauge", &[]),
];

#[tokio::test]
async fn a_scrape_shows_every_metric_of_the_contract() {
    let variables = [
        ("WS_MAX_CONNECTIONS_PER_KEY", "1".to_owned()),
        ("CLASSIFIER_MODE", "llm".to_owned()),
        ("CLASSIFIER_URL", model().await),
        ("CLASSIFIER_MODEL", "gpt-4o-mini".to_owned()),
    ];
    for topology in [Topology::One, Topology::Split] {
        let mut fleet = Fleet::start(topology, shop().await, &variables).await;
        cause_everything(&fleet).await;
        let scraped = fleet.metrics().await;
        let is_scraped =
            |name: &str, kind: &str| scraped.contains(&format!("# TYPE {name} {kind}\n"));
        let missing: Vec<_> =
            METRICS.iter().filter(|(name, kind, _)| !is_scraped(name, kind)).collect();
        assert!(missing.is_empty(), "{topology:?}: no {missing:?} in\n{scraped}");
        for (name, _, labels) in METRICS {
            let mut family = scraped.lines().filter(|line| line.starts_with(name));
            let sample = family.find(|line| line.contains('{') || labels.is_empty());
            let sample = sample.unwrap_or_else(|| panic!("{topology:?}: {name} has no sample"));
            for label in labels {
                assert!(sample.contains(&format!("{label}=\"")), "{name} lacks {label}: {sample}");
            }
        }
        assert_eq!(fleet.stop().await, [], "{topology:?}");
    }
}

/// Traffic after which every metric has something to say.
async fn cause_everything(fleet: &Fleet) {
    fleet.agents["sales"].script([pass_on()]);
    let handed = fleet.client("user-1").say("How much does the blue bicycle cost?").await;
    assert_eq!(handed.body["agent_id"], "support", "{}", handed.text);
    fleet.agents["booking"].script([Act::Fail("the calendar is down".to_owned())]);
    let failed = fleet.client("user-2").say("I want to book an appointment tomorrow").await;
    assert_eq!(failed.status, 502, "{}", failed.text);
    fleet.agents["sales"].script([Act::Reply(json!({"content": "Ten.", "usage": "much"}))]);
    fleet.client("user-3").say("What is the price of a new tyre?").await;
    let asked = fleet.client("user-4").say("I am unsure what I want").await;
    assert_eq!(asked.body["type"], "clarification", "{}", asked.text);
    let operator = fleet.client("user-5");
    let opened = operator.post("/v1/breakers/support", &json!({"action": "force_open"})).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let _socket = operator.socket("").await;
    let second = upgrade(&operator).await;
    assert_eq!(second, 429, "a key has one socket here");
}

/// The status of an upgrade that is not wanted.
async fn upgrade(client: &Client) -> u16 {
    let url = format!("ws://{}/ws?user_id=user-6&api_key={KEY}", client.address());
    match tokio_tungstenite::connect_async(url).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn dashboards_and_alerts_name_only_metrics_that_there_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/observability");
    let mut named = BTreeSet::new();
    for file in std::fs::read_dir(folder.join("dashboards")).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let dashboard = serde_json::from_str::<Value>(&text);
        let dashboard = dashboard.unwrap_or_else(|error| panic!("{:?}: {error}", file.path()));
        expressions(&dashboard, &mut |expression| named.extend(names(expression)));
    }
    let alerts = std::fs::read_to_string(folder.join("alerts.yaml")).unwrap();
    let lines = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    named.extend(lines.flat_map(names));
    let known = |name: &str| {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        METRICS.iter().any(|(metric, _, _)| *metric == name || Some(*metric) == family)
    };
    let unknown: Vec<_> = named.iter().filter(|name| !known(name) && *name != "up").collect();
    assert!(unknown.is_empty(), "nobody exports {unknown:?}");
    let unused =
        METRICS.iter().filter(|(metric, _, _)| !named.iter().any(|name| name.starts_with(metric)));
    assert_eq!(unused.count(), 0, "the dashboards leave metrics out: {named:?}");
}

fn expressions(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "expr" => found(text),
                    other => expressions(other, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

/// The metrics of a PromQL expression: words with an underscore before a brace or a range, and `up`.
fn names(expression: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        let word: String = rest[start..].chars().take_while(|c| is_word(*c)).collect();
        rest = &rest[start + word.len()..];
        let is_metric =
            rest.starts_with(['{', '[']) && !word.starts_with(|c: char| c.is_ascii_digit());
        if is_metric {
            words.push(word);
        }
    }
    words
}
