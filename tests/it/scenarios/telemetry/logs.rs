//! Logs carry ids and times, and nothing that a customer has said or that opens a door.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::agent::Act;
use crate::fleet::{Fleet, shop};
use crate::world::{KEY, Topology};

/// What customers say and agents answer here, none of which may be written down.
const PLANTED: [&str; 6] = [
    "jan.müller@example.de",
    "+1 (555) 010-2030",
    "4111 1111 1111 1111",
    "078-05-1120",
    "DE89370400440532013000",
    "sk-planted-0123456789abcdef",
];
/// A user id, which logs show only as a digest.
const USER: &str = "ada.lovelace@example.com";

static WORDS: LazyLock<String> =
    LazyLock::new(|| format!("I need help with my order, I am {}", PLANTED.join(" or ")));

#[tokio::test]
async fn planted_personal_data_and_keys_are_in_no_log() {
    for topology in [Topology::One, Topology::Split] {
        let variables = [("LOG_LEVEL", "debug".to_owned())];
        let mut fleet = Fleet::start(topology, shop().await, &variables).await;
        fleet.agents["support"].script([
            Act::Reply(json!({"content": *WORDS, "workflow_state": {"note": *WORDS}})),
            Act::Fail(WORDS.clone()),
            Act::Reply(json!({"content": 7, "note": *WORDS})),
        ]);
        let client = fleet.client(USER);
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(client.say(&WORDS).await);
        }
        client.get(&format!("/v1/sessions?api_key={}", PLANTED[5])).await;
        let body = WORDS.clone().into_bytes();
        let headers = [("x-api-key", PLANTED[5]), ("content-type", "application/json")];
        client.raw("/v1/request", &headers, body).await;
        assert_eq!(fleet.stop().await, [], "{topology:?}");
        let said = fleet.said();
        for secret in PLANTED.iter().chain([&USER, &KEY, &"a-token-for-scenarios"]) {
            let leak = said.iter().find(|line| line.contains(secret));
            assert!(leak.is_none(), "{topology:?}: {secret} is in {leak:?}");
        }
        check_lines(&said, answers[0].text_at("/request_id"));
    }
}

fn check_lines(said: &[String], request_id: &str) {
    let lines: Vec<Value> = said
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    for line in &lines {
        for name in ["timestamp", "level", "service", "message"] {
            assert!(line[name].is_string(), "{name} is missing: {line}");
        }
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "a time is left as it is: {time}");
    }
    let events = |kind: &str| {
        lines
            .iter()
            .filter(|line| line["audit"] == true && line["event_type"] == kind)
            .filter(|line| line["request_id"] == request_id)
            .count()
    };
    for kind in ["auth.success", "session.created", "agent.routed", "agent.dispatched"] {
        assert!(0 < events(kind), "no {kind} with the request id {request_id}");
    }
}
