//! One trace a turn, over all services, with the attributes that OpenTelemetry gives agents and models.

use std::collections::BTreeSet;

use serde_json::json;

use super::{model, pass_on};
use crate::client::Client;
use crate::collector::{Collector, Span};
use crate::fleet::{Fleet, shop};
use crate::world::{KEY, Topology};

/// What the contract wants to see of a turn.
const SPANS: [&str; 10] = [
    "gateway.auth",
    "gateway.rate_limit",
    "session.lookup",
    "classifier.classify",
    "confidence.evaluate",
    "budget.reserve",
    "router.dispatch",
    "circuit_breaker.check",
    "budget.settle",
    "handoff.transfer",
];
/// The trace and the span of the caller.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test]
async fn a_turn_is_one_trace_over_all_services() {
    for topology in [Topology::One, Topology::Split] {
        let (collector, url) = Collector::start().await;
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
            ("ENABLE_RATE_LIMITING", "true".to_owned()),
            ("CLASSIFIER_MODE", "llm".to_owned()),
            ("CLASSIFIER_URL", model().await),
            ("CLASSIFIER_MODEL", "gpt-4o-mini".to_owned()),
        ];
        let mut fleet = Fleet::start(topology, shop().await, &variables).await;
        fleet.agents["sales"].script([pass_on()]);
        let answer = ask(&fleet.client("user-1")).await;
        assert_eq!(answer["agent_id"], "support", "{answer}");
        // An end flushes what has not been exported.
        assert_eq!(fleet.stop().await, [], "{topology:?}");
        let spans = collector.of_trace(TRACE);
        let names: BTreeSet<_> = spans.iter().map(|span| span.name.as_str()).collect();
        for name in SPANS {
            assert!(names.contains(name), "{topology:?}: no {name} among {names:?}");
        }
        let is_known = |id: &str| id == CALLER || spans.iter().any(|span| span.id == id);
        let lost: Vec<_> = spans.iter().filter(|span| !is_known(&span.parent)).collect();
        assert!(lost.is_empty(), "{topology:?}: spans without a place in the trace: {lost:?}");
        let services: BTreeSet<_> = spans.iter().map(|span| span.service.as_str()).collect();
        let expected: BTreeSet<_> = match topology {
            Topology::One => ["mesh"].into(),
            Topology::Split => {
                ["gateway", "classifier", "budget", "router", "handoff", "registry"].into()
            }
        };
        assert_eq!(services, expected, "{topology:?}");
        let transfers = spans.iter().filter(|span| span.name == "handoff.transfer").count();
        assert_eq!(transfers, 1, "{topology:?}: a transfer is one span");
        check_agents(&spans, answer["session_id"].as_str().unwrap());
        check_model(&spans);
    }
}

fn check_agents(spans: &[Span], session_id: &str) {
    let calls: Vec<_> = spans.iter().filter(|span| span.name == "router.dispatch").collect();
    let ids: BTreeSet<_> = calls.iter().map(|call| &*call.attributes["gen_ai.agent.id"]).collect();
    assert_eq!(ids, ["sales", "support"].into());
    let sales = calls.iter().find(|call| call.attributes["gen_ai.agent.id"] == "sales").unwrap();
    for (name, value) in [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "The sales desk"),
        ("gen_ai.conversation.id", session_id),
        ("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        ("gen_ai.usage.input_tokens", "1200"),
        ("gen_ai.usage.output_tokens", "300"),
    ] {
        assert_eq!(sales.attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
}

fn check_model(spans: &[Span]) {
    let call =
        spans.iter().find(|span| span.name == "chat gpt-4o-mini").expect("the model is asked");
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o-mini"),
        ("gen_ai.request.temperature", "0.1"),
        ("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        ("gen_ai.usage.input_tokens", "321"),
        ("gen_ai.usage.output_tokens", "21"),
    ] {
        assert_eq!(call.attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
}

async fn ask(client: &Client) -> serde_json::Value {
    let body = json!({"input": "How much does the blue bicycle cost?", "user_id": "user-1"});
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [
        ("x-api-key", KEY),
        ("content-type", "application/json"),
        ("traceparent", traceparent.as_str()),
    ];
    let answer = client.raw("/v1/request", &headers, body.to_string().into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}
