//! Agents that fail, refuse or are not there: what is repeated, what is charged.

use std::time::Duration;

use router::dispatch::{DispatchSettings, Dispatcher, FailureKind, ReplyUsage, Settlement};
use serde_json::json;
use tokio::time::Instant;

use super::{ALL, ask, ask_once, call, definition, dispatcher, kind_and_settlement};
use crate::agent::{Act, Agent, Speaks, reserve};

#[tokio::test]
async fn a_reported_error_is_charged_by_what_it_used_and_not_repeated() {
    let reported = json!({"isError": true, "content": [{"type": "text", "text": "secret"}]});
    let used = json!({"isError": true, "content": [], "structuredContent": {"usage": {"input_tokens": 5}}});
    let usage = ReplyUsage { input_tokens: 5, ..ReplyUsage::default() };
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent.next(Act::Result(reported.clone()));
        agent.next(Act::Result(used.clone()));
        agent.next(Act::Error(json!({"why": "secret"})));
        for settlement in [
            Settlement::Charge(None),
            Settlement::Charge(Some(usage.clone())),
            Settlement::Charge(None),
        ] {
            let failure = ask_once(&agent).await.unwrap_err();
            assert!(!failure.to_string().contains("secret"), "{failure}");
            assert_eq!(
                (failure.kind, failure.settlement),
                (FailureKind::AgentError, settlement),
                "{speaks:?}"
            );
        }
        assert_eq!(agent.memory().calls.len(), 3, "nothing is repeated");
    }
}

#[tokio::test]
async fn an_error_that_says_it_never_ran_is_repeated() {
    let agent = Agent::start(Speaks::Sessions).await;
    agent.next(Act::Result(json!({"isError": true, "content": [], "_meta": {"retryable": true}})));
    agent.next(Act::Error(json!({"_meta": {"retryable": true}})));
    let reply = ask_once(&agent).await.unwrap();
    assert_eq!(reply.attempts, 3);
    let keys: Vec<String> =
        agent.memory().calls.iter().map(|seen| seen.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, ["t-1/1/0", "t-1/1/0", "t-1/1/0"]);
}

#[tokio::test]
async fn an_agent_that_asks_for_patience_gets_it() {
    for (status, after) in [(503, "0"), (502, "0"), (429, "0")] {
        let agent = Agent::start(Speaks::Json).await;
        let busy = Act::Http(status, vec![("retry-after", after.to_owned())], String::new());
        agent.next(busy.clone());
        agent.next(busy.clone());
        assert_eq!(ask_once(&agent).await.unwrap().attempts, 3, "{status}");
        agent.always(busy);
        let settings = DispatchSettings { max_retries: 1, ..DispatchSettings::default() };
        let outcome = ask(&agent, settings).await;
        assert_eq!(
            kind_and_settlement(outcome),
            (FailureKind::Unreachable, Settlement::Release),
            "{status}"
        );
        assert_eq!(agent.memory().calls.len(), 5, "one call and one retry more");
    }
}

#[tokio::test]
async fn patience_beyond_the_deadline_is_not_waited_for() {
    let agent = Agent::start(Speaks::Json).await;
    agent.always(Act::Http(503, vec![("retry-after", "3600".to_owned())], String::new()));
    let started = Instant::now();
    let outcome = ask_once(&agent).await;
    assert_eq!(kind_and_settlement(outcome), (FailureKind::Unreachable, Settlement::Release));
    assert!(started.elapsed() < Duration::from_secs(10), "it does not wait for what cannot come");
    assert_eq!(agent.memory().calls.len(), 1);
}

#[tokio::test]
async fn statuses_are_classified_and_not_repeated() {
    let cases = [
        (500, FailureKind::Unreachable, Settlement::Charge(None)),
        (503, FailureKind::Unreachable, Settlement::Charge(None)),
        (400, FailureKind::AgentError, Settlement::Release),
        (403, FailureKind::AgentError, Settlement::Release),
        (302, FailureKind::InvalidResponse, Settlement::Charge(None)),
    ];
    for (status, kind, settlement) in cases {
        let agent = Agent::start(Speaks::Sessions).await;
        let headers = vec![("location", "http://127.0.0.1:1/".to_owned())];
        agent.always(Act::Http(status, headers, "secret".to_owned()));
        assert_eq!(kind_and_settlement(ask_once(&agent).await), (kind, settlement), "{status}");
        assert_eq!(agent.memory().calls.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_agent_that_is_not_there_costs_nothing() {
    let socket = reserve();
    let endpoint = format!("http://{}/mcp", socket.local_addr().unwrap());
    let settings = DispatchSettings { max_retries: 1, ..DispatchSettings::default() };
    let outcome = dispatcher(settings).call(&definition(endpoint), 1, call().0).await;
    assert_eq!(kind_and_settlement(outcome), (FailureKind::Unreachable, Settlement::Release));
}

#[tokio::test]
async fn an_agent_that_refuses_and_then_comes_up_answers() {
    let socket = reserve();
    let definition = definition(format!("http://{}/mcp", socket.local_addr().unwrap()));
    let patient = DispatchSettings { max_retries: 5, ..DispatchSettings::default() };
    let waiting = tokio::spawn({
        let (dispatcher, definition) = (dispatcher(patient), definition.clone());
        async move { dispatcher.call(&definition, 1, call().0).await }
    });
    // Once a call that began later has been refused twice, the one that waits has been refused.
    let hasty = DispatchSettings { max_retries: 1, ..DispatchSettings::default() };
    tokio::task::yield_now().await;
    dispatcher(hasty).call(&definition, 1, call().0).await.unwrap_err();
    let agent = Agent::on(socket, Speaks::Sessions);
    let reply = waiting.await.unwrap().unwrap();
    assert!(1 < reply.attempts, "{} attempts", reply.attempts);
    let memory = agent.memory();
    assert_eq!((memory.calls.len(), memory.calls[0].header("idempotency-key")), (1, "t-1/1/0"));
}

#[tokio::test]
async fn a_connection_that_is_lost_after_sending_is_charged_and_not_repeated() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent.always(Act::Break);
        let outcome = ask_once(&agent).await;
        assert_eq!(
            kind_and_settlement(outcome),
            (FailureKind::Unreachable, Settlement::Charge(None)),
            "{speaks:?}"
        );
        assert_eq!(agent.memory().calls.len(), 1, "{speaks:?}");
    }
}

#[tokio::test]
async fn an_agent_that_outbound_protection_forbids_is_not_contacted() {
    let agent = Agent::start(Speaks::Sessions).await;
    let strict = Dispatcher::new(DispatchSettings::default(), chassis::connect::system());
    let outcome = strict.call(&definition(agent.endpoint()), 1, call().0).await;
    assert_eq!(kind_and_settlement(outcome), (FailureKind::Unreachable, Settlement::Release));
    assert_eq!(agent.memory().methods, Vec::<String>::new());
}

#[tokio::test]
async fn a_handshake_that_fails_costs_nothing() {
    let status = |status| Act::Http(status, Vec::new(), String::new());
    let json_type = || vec![("content-type", "application/json".to_owned())];
    let garbage = || Act::Http(200, json_type(), "<html>".to_owned());
    let cases = [
        (vec![status(500), status(500)], FailureKind::Unreachable),
        (vec![status(503)], FailureKind::Unreachable),
        (vec![status(401)], FailureKind::AgentError),
        (vec![status(404), status(404)], FailureKind::AgentError),
        (vec![garbage()], FailureKind::InvalidResponse),
        (vec![status(405), garbage()], FailureKind::InvalidResponse),
        (vec![Act::Break], FailureKind::Unreachable),
    ];
    for (greetings, kind) in cases {
        let agent = Agent::start(Speaks::Sessions).await;
        let count = greetings.len();
        greetings.iter().for_each(|act| agent.greet(act.clone()));
        let outcome = ask_once(&agent).await;
        assert_eq!(kind_and_settlement(outcome), (kind, Settlement::Release), "{greetings:?}");
        let memory = agent.memory();
        assert_eq!((memory.calls.len(), memory.methods.len()), (0, count), "{greetings:?}");
        assert_eq!(ask_once(&agent).await.unwrap().content, "ok", "the next handshake may go well");
    }
}

#[tokio::test]
async fn a_handshake_that_asks_for_patience_gets_it() {
    let agent = Agent::start(Speaks::Sessions).await;
    agent.greet(Act::Http(503, vec![("retry-after", "0".to_owned())], String::new()));
    let reply = ask_once(&agent).await.unwrap();
    assert_eq!((reply.content.as_str(), reply.attempts), ("ok", 2));
}

#[tokio::test]
async fn every_dispatch_is_counted() {
    chassis::telemetry::record_metrics().unwrap();
    let agent = Agent::start(Speaks::Newest).await;
    agent.next(Act::Answer(json!({"content": "ok", "usage": 7})));
    agent.next(Act::Text(Vec::new()));
    ask_once(&agent).await.unwrap();
    ask_once(&agent).await.unwrap_err();
    let text = chassis::telemetry::metrics_text();
    for line in [
        r#"agent_dispatch_total{agent_id="support",status="success"} 1"#,
        r#"agent_dispatch_total{agent_id="support",status="agent_invalid_response"} 1"#,
        r#"agent_dispatch_errors_total{agent_id="support",error_type="agent_invalid_response"} 1"#,
        r#"agent_contract_violations_total{agent_id="support",kind="usage_invalid"} 1"#,
        r#"agent_contract_violations_total{agent_id="support",kind="workflow_complete_missing"} 1"#,
        r#"agent_dispatch_duration_ms_count{agent_id="support"} 2"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
