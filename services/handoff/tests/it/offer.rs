//! Offers to agents that answer, refuse, break, hang and babble, over both transports.

use chassis::testing;
use proto::v1::{TransferOptions, TransferRequest, TransferResponse};
use serde_json::json;

use crate::agent::{Act, Desk};
use crate::mesh::{Mesh, request};
use crate::registry::Shelf;

/// A mesh in which `first` is asked first and `second`, which accepts everything, next.
struct Pair {
    mesh: Mesh,
    first: Desk,
    second: Desk,
}

impl Pair {
    async fn start(mcp: Option<Act>, a2a: Option<Act>, transports: &[&str]) -> Self {
        let first = Desk::start(mcp, a2a.clone().unwrap_or(Act::Fail)).await;
        let second = Desk::start(Some(Act::accept()), Act::accept()).await;
        let mut definition = first.definition("first", &["refunds"]);
        definition.transports = transports.iter().map(|name| (*name).to_owned()).collect();
        if a2a.is_some() {
            definition.a2a_endpoint = first.a2a_endpoint();
        }
        let agents = vec![definition, second.definition("second", &["refunds", "returns"])];
        let settings = [("HANDOFF_OFFER_TIMEOUT_MS", "2000")];
        let mesh = Mesh::start(Shelf::of(agents), testing::sqlite().await, &settings).await;
        Self { mesh, first, second }
    }

    async fn transfer(&self, request: &TransferRequest) -> TransferResponse {
        self.mesh.transfer(request).await.unwrap()
    }
}

/// A request whose receiver must say yes in words.
fn explicit() -> TransferRequest {
    let options = TransferOptions { require_acceptance: Some(true), ..TransferOptions::default() };
    TransferRequest { options: Some(options), ..request(&["refunds"]) }
}

#[tokio::test]
async fn an_agent_with_the_tool_is_told_everything() {
    let pair = Pair::start(Some(Act::accept()), None, &["mcp"]).await;
    let mut request = request(&["refunds"]);
    request.conversation_state_json = r#"{"step":"asked"}"#.to_owned();
    request.custom_data_json = r#"{"shop":7}"#.to_owned();
    request.source_summary = "Wants a refund.".to_owned();
    let response = pair.transfer(&request).await;
    assert_eq!(response.accepted_agent, "first");
    let memory = pair.first.memory();
    let [offer] = &memory.mcp[..] else { panic!("one offer was made, not {memory:?}") };
    assert_eq!(offer["handoff_id"], request.handoff_id);
    assert_eq!(offer["session_id"], request.session_id);
    assert_eq!(offer["from_agent"], "source");
    assert_eq!(offer["handoff_reason"], "the user asks for a refund");
    assert_eq!(offer["user_metadata"], json!({"userId": "user-1", "language": "en"}));
    assert_eq!(offer["conversation_state"], json!({"step": "asked"}));
    assert_eq!(offer["custom_data"], json!({"shop": 7}));
    let context = &offer["compressed_context"];
    assert_eq!(context["summary"], "Wants a refund.");
    assert_eq!(context["recent_messages"][0]["content"], request.history[0].content);
    assert_eq!(context["recent_messages"][0]["timestamp"], "2026-01-01T00:00:00.001Z");
    assert_eq!(context["compression_method"], "identity");
    let expires = offer["expires_at"].as_str().unwrap();
    assert!(expires.ends_with('Z') && expires.len() == 24, "{expires} is a time in milliseconds");
}

#[tokio::test]
async fn an_agent_without_the_tool_is_asked_for_its_tools_once() {
    let pair = Pair::start(None, None, &["mcp"]).await;
    for _ in 0..3 {
        assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "first");
    }
    let lists =
        |desk: &Desk| desk.memory().methods.iter().filter(|method| *method == "tools/list").count();
    assert_eq!(lists(&pair.first), 1, "what an agent lists is remembered");
    let seen = pair.first.memory().methods.len();
    pair.transfer(&request(&["refunds"])).await;
    assert_eq!(pair.first.memory().methods.len(), seen, "the usual handoff costs no call");

    pair.first.now(Some(Act::accept()));
    pair.mesh.shelf.show(|snapshot| snapshot.generation += 1);
    let until = async {
        while pair.first.memory().mcp.is_empty() {
            pair.transfer(&request(&["refunds"])).await;
        }
    };
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, until).await.expect("a new generation is asked anew");
    assert_eq!(lists(&pair.first), 2);
}

#[tokio::test]
async fn whatever_keeps_the_first_from_accepting_the_second_takes_over() {
    let mcp: &[&str] = &["mcp"];
    let a2a: &[&str] = &["a2a"];
    let garbage = || Act::Answer(json!({"accepted": "yes"}));
    let cases = [
        ("refusal", Some(Act::refuse("overloaded")), None, mcp, "overloaded"),
        ("odd code", Some(Act::refuse("monday")), None, mcp, "unknown"),
        ("tool error", Some(Act::Fail), None, mcp, "unknown"),
        ("garbage", Some(garbage()), None, mcp, "unknown"),
        ("silence", Some(Act::Hang), None, mcp, "timeout"),
        ("a2a refusal", None, Some(Act::refuse("capability_mismatch")), a2a, "capability_mismatch"),
        ("a2a garbage", None, Some(garbage()), a2a, "unknown"),
        ("a2a client error", None, Some(Act::Status(422, 9)), a2a, "invalid_payload"),
        ("a2a silence", None, Some(Act::Hang), a2a, "timeout"),
        ("no transport", None, None, a2a, "capability_mismatch"),
    ];
    for (name, on_mcp, on_a2a, transports, class) in cases {
        let pair = Pair::start(on_mcp, on_a2a, transports).await;
        let request = request(&["refunds"]);
        let response = pair.transfer(&request).await;
        assert_eq!(response.accepted_agent, "second", "{name}");
        let [rejection] = &response.rejections[..] else { panic!("{name}: {response:?}") };
        assert_eq!(
            (rejection.agent_id.as_str(), rejection.class.as_str()),
            ("first", class),
            "{name}"
        );
        assert!(pair.mesh.shelf.holders("first").is_empty(), "{name}: the lease is given back");
        assert_eq!(pair.second.memory().mcp.len(), 1, "{name}");
        assert_eq!(
            pair.mesh.transfer(&request).await.unwrap(),
            response,
            "{name}: a repeat is equal"
        );
    }
}

#[tokio::test]
async fn an_agent_that_is_gone_is_passed_over() {
    let pair = Pair::start(None, None, &["mcp"]).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    pair.mesh.shelf.show(|snapshot| {
        let first = snapshot.agents[0].agent.as_mut().unwrap();
        first.endpoint = format!("http://{gone}/mcp");
    });
    let limit = std::time::Duration::from_secs(10);
    let until = async {
        loop {
            let response = pair.transfer(&request(&["refunds"])).await;
            if response.accepted_agent == "second" {
                return response;
            }
        }
    };
    let response = tokio::time::timeout(limit, until).await.expect("the change is seen");
    let class = response.rejections[0].class.as_str();
    assert!(["unavailable", "timeout"].contains(&class), "{class}");
}

#[tokio::test]
async fn who_must_say_yes_and_cannot_is_asked_over_the_next_transport() {
    let pair = Pair::start(None, Some(Act::accept()), &["mcp", "a2a"]).await;
    let request = explicit();
    assert_eq!(pair.transfer(&request).await.accepted_agent, "first");
    let memory = pair.first.memory();
    let [(body, key)] = &memory.a2a[..] else { panic!("one A2A offer was made, not {memory:?}") };
    assert_eq!(key, &request.handoff_id);
    assert_eq!(body["payload"]["handoff_id"], request.handoff_id);
    assert_eq!(
        (&body["sourceAgent"], &body["requireExplicitAcceptance"]),
        (&json!("source"), &json!(true))
    );
    assert!(body["timestamp"].is_string());

    let pair = Pair::start(None, None, &["mcp", "a2a"]).await;
    let response = pair.transfer(&explicit()).await;
    assert_eq!(response.accepted_agent, "second");
    assert_eq!(response.rejections[0].class, "capability_mismatch");
}

#[tokio::test]
async fn transports_are_tried_in_the_order_of_the_agent() {
    let camel = Act::Answer(json!({"accepted": true, "responseCode": "ok"}));
    let pair = Pair::start(Some(Act::Fail), Some(camel), &["a2a", "mcp"]).await;
    assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "first");
    assert!(pair.first.memory().methods.is_empty(), "A2A comes first");

    let pair = Pair::start(Some(Act::Fail), Some(Act::accept()), &["mcp", "a2a"]).await;
    assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "first");
    let memory = pair.first.memory();
    assert_eq!(
        (memory.mcp.len(), memory.a2a.len()),
        (1, 1),
        "an error fails over, it does not repeat"
    );

    let refuses = Act::refuse("overloaded");
    let pair = Pair::start(Some(refuses), Some(Act::accept()), &["mcp", "a2a"]).await;
    assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "second");
    assert!(pair.first.memory().a2a.is_empty(), "who refuses is not asked again another way");
}

#[tokio::test]
async fn errors_of_servers_are_retried_and_those_of_clients_are_not() {
    let pair = Pair::start(None, Some(Act::Status(503, 1)), &["a2a"]).await;
    assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "first");
    assert_eq!(pair.first.memory().a2a.len(), 2);

    let pair = Pair::start(None, Some(Act::Status(400, 1)), &["a2a"]).await;
    assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "second");
    assert_eq!(pair.first.memory().a2a.len(), 1);

    let pair = Pair::start(Some(Act::Status(502, 1)), None, &["mcp"]).await;
    assert_eq!(pair.transfer(&request(&["refunds"])).await.accepted_agent, "first");
    assert_eq!(pair.first.memory().mcp.len(), 1, "the second attempt arrived");
}

#[tokio::test]
async fn a_payload_that_is_too_large_or_too_late_is_never_sent() {
    let pair = Pair::start(Some(Act::accept()), Some(Act::accept()), &["a2a"]).await;
    let mut request = request(&["refunds"]);
    request.custom_data_json = format!("{{\"blob\":\"{}\"}}", "x".repeat(1_048_576));
    let response = pair.transfer(&request).await;
    assert_eq!(response.state, "rejected");
    let classes: Vec<_> = response.rejections.iter().map(|one| one.class.as_str()).collect();
    assert_eq!(classes, ["invalid_payload", "invalid_payload"]);
    assert_eq!(response.decision.unwrap().reason, "all_rejected");
    assert!(pair.first.memory().a2a.is_empty() && pair.second.memory().mcp.is_empty());

    let mut request = crate::mesh::request(&["refunds"]);
    request.turn_deadline_ms = 1;
    let response = pair.transfer(&request).await;
    assert!(response.rejections.iter().all(|one| one.class == "timeout"), "{response:?}");
    assert!(pair.first.memory().a2a.is_empty() && pair.second.memory().mcp.is_empty());
}

#[tokio::test]
async fn personal_data_is_masked_for_agents_that_ask_for_it() {
    let pair = Pair::start(Some(Act::accept()), None, &["mcp"]).await;
    pair.mesh.shelf.show(|snapshot| {
        snapshot.agents[0].agent.as_mut().unwrap().pii = "mask".to_owned();
    });
    let masked = async {
        loop {
            let mut request = request(&["refunds"]);
            request.history[0].content = "Mail me at anna@example.com".to_owned();
            let response = pair.transfer(&request).await;
            let brief = response.brief.unwrap();
            if brief.recent_messages[0].content == "Mail me at [REDACTED:email]" {
                return;
            }
        }
    };
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, masked).await.expect("the change is seen");
    let offers = pair.first.memory().mcp;
    assert!(!offers.last().unwrap().to_string().contains("anna@example.com"));
}

#[tokio::test]
async fn when_all_refuse_each_was_asked_once_and_no_more_than_are_allowed() {
    let mut desks = Vec::new();
    for _ in 0..5 {
        desks.push(Desk::start(Some(Act::refuse("overloaded")), Act::Fail).await);
    }
    let ids = ["a", "b", "c", "d", "e"];
    let agents = desks.iter().zip(ids).map(|(desk, id)| desk.definition(id, &["refunds"]));
    let shelf = Shelf::of(agents.collect());
    let settings = [("HANDOFF_ON_AMBIGUOUS", "route"), ("HANDOFF_MAX_ALTERNATIVES", "3")];
    let mesh = Mesh::start(shelf, testing::sqlite().await, &settings).await;
    let request = request(&["refunds"]);
    let response = mesh.transfer(&request).await.unwrap();
    assert_eq!((response.accepted_agent.as_str(), response.state.as_str()), ("", "rejected"));
    assert_eq!(response.decision.as_ref().unwrap().reason, "all_rejected");
    assert_eq!(mesh.transfer(&request).await.unwrap(), response);
    let asked: Vec<usize> = desks.iter().map(|desk| desk.memory().mcp.len()).collect();
    assert_eq!(asked, [1, 1, 1, 1, 0]);
    assert!(ids.iter().all(|id| mesh.shelf.holders(id).is_empty()), "every lease is given back");
}
