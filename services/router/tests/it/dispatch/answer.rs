//! Replies: every form of the protocol, every form of a reply, and what is none.

use futures::FutureExt as _;
use router::dispatch::{DispatchSettings, FailureKind, HandoffAsk, ReplyUsage, Settlement};
use serde_json::{Value, json};

use super::{ALL, ask, ask_once, call, definition, dispatcher, kind_and_settlement};
use crate::agent::{Act, Agent, Speaks};

#[tokio::test]
async fn an_answer_arrives_whole_in_every_form_of_the_protocol() {
    let answer = json!({
        "content": "Your visit is moved.", "workflow_complete": true, "workflow_state": {"step": "done"},
        "usage": {"model": "gpt-4o-mini", "input_tokens": 812, "output_tokens": 64, "cost_usd": 0.0123},
        "handoff": {"reason": "refund", "target_agent": "billing"},
    });
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent.always(Act::Answer(answer.clone()));
        let reply = ask_once(&agent).await.unwrap();
        assert_eq!(
            (reply.content.as_str(), reply.workflow_complete),
            ("Your visit is moved.", true),
            "{speaks:?}"
        );
        assert_eq!(reply.workflow_state.as_deref(), Some(r#"{"step":"done"}"#));
        let model = Some("gpt-4o-mini".to_owned());
        let usage =
            ReplyUsage { model, input_tokens: 812, output_tokens: 64, cost_micros: Some(12_300) };
        assert_eq!(reply.usage, Some(usage));
        let target_agent = Some("billing".to_owned());
        assert_eq!(
            reply.handoff,
            Some(HandoffAsk { reason: "refund".to_owned(), target_agent, ..HandoffAsk::default() })
        );
        assert_eq!((reply.attempts, reply.violations.len()), (1, 0));
        let methods = agent.memory().methods;
        assert_eq!(methods[0], "server/discover", "the newest revision is asked for first");
        let is_older = methods.iter().any(|method| method == "initialize");
        assert_eq!(is_older, speaks != Speaks::Newest, "{methods:?}");
        let newest = if is_older { "2025-11-25" } else { "2026-07-28" };
        assert_eq!(agent.memory().calls[0].header("mcp-protocol-version"), newest);
    }
}

#[tokio::test]
async fn a_call_carries_its_own_headers_and_its_arguments_byte_for_byte() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        let dispatcher = dispatcher(DispatchSettings::default());
        let state = r#"{ "n":1.0,"big":123456789012345678901234567890,"e":1e2 }"#;
        for charge_id in ["t-1/1/0", "t-2/1/0"] {
            let (mut call, _spoken) = call();
            call.charge_id = charge_id.to_owned();
            call.verbatim = vec![("workflow_state", state.to_owned())];
            dispatcher.call(&definition(agent.endpoint()), 1, call).await.unwrap();
        }
        let seen = agent.memory().calls;
        assert_eq!(
            (seen[0].header("idempotency-key"), seen[1].header("idempotency-key")),
            ("t-1/1/0", "t-2/1/0")
        );
        assert_eq!(seen[0].header("x-request-id"), "r-1");
        assert!(seen[0].header("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c"));
        assert!(seen[0].body.contains(&format!(r#""workflow_state":{state}"#)), "{}", seen[0].body);
        assert_eq!(seen[0].arguments["raw_input"], "hello");
    }
}

#[tokio::test]
async fn what_an_agent_says_while_it_works_arrives_in_order_before_the_answer() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        let words: Vec<String> = (0..40).map(|index| format!("word {index}")).collect();
        agent.always(Act::Speak(
            words.clone(),
            json!({"content": "all of it", "workflow_complete": false}),
        ));
        let (call, mut spoken) = call();
        let reply = dispatcher(DispatchSettings::default())
            .call(&definition(agent.endpoint()), 1, call)
            .await
            .unwrap();
        assert_eq!(reply.content, "all of it");
        let heard: Vec<String> =
            std::iter::from_fn(|| spoken.recv().now_or_never().flatten()).collect();
        assert_eq!(heard, words, "{speaks:?}");
    }
}

#[tokio::test]
async fn plain_text_is_an_answer_and_json_text_is_read() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent.next(Act::Text(vec!["Hello".to_owned(), "there".to_owned()]));
        agent.next(Act::Text(vec![
            json!({"content": "from text", "workflow_complete": true}).to_string(),
        ]));
        agent.next(Act::Text(vec!["42".to_owned()]));
        let reply = ask_once(&agent).await.unwrap();
        assert_eq!((reply.content.as_str(), reply.workflow_complete), ("Hello\nthere", false));
        let reply = ask_once(&agent).await.unwrap();
        assert_eq!((reply.content.as_str(), reply.workflow_complete), ("from text", true));
        assert_eq!(ask_once(&agent).await.unwrap().content, "42");
    }
}

#[tokio::test]
async fn garbage_is_an_invalid_reply() {
    let json_type = || vec![("content-type", "application/json".to_owned())];
    let event_type = || vec![("content-type", "text/event-stream".to_owned())];
    let cases = [
        Act::Http(200, json_type(), "<html>".to_owned()),
        Act::Http(200, json_type(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned()),
        Act::Http(200, event_type(), "data: <html>\n\n".to_owned()),
        Act::Http(200, vec![("content-type", "text/html".to_owned())], "ok".to_owned()),
        Act::Http(202, Vec::new(), String::new()),
        Act::Answer(json!({"content": 7})),
        Act::Answer(json!({"content": ""})),
        Act::Text(Vec::new()),
    ];
    for act in cases {
        let agent = Agent::start(Speaks::Sessions).await;
        agent.always(act.clone());
        let expected = (FailureKind::InvalidResponse, Settlement::Charge(None));
        assert_eq!(kind_and_settlement(ask_once(&agent).await), expected, "{act:?}");
        assert_eq!(agent.memory().calls.len(), 1, "{act:?}");
    }
}

#[tokio::test]
async fn a_reply_over_the_limit_is_not_read() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent
            .always(Act::Answer(json!({"content": "x".repeat(60_000), "workflow_complete": true})));
        let tight = DispatchSettings { max_response_bytes: 50_000, ..DispatchSettings::default() };
        let outcome = ask(&agent, tight).await;
        let expected = (FailureKind::InvalidResponse, Settlement::Charge(None));
        assert_eq!(kind_and_settlement(outcome), expected, "{speaks:?}");
        let wide = DispatchSettings { max_response_bytes: 200_000, ..DispatchSettings::default() };
        assert_eq!(ask(&agent, wide).await.unwrap().content.len(), 60_000);
    }
}

#[tokio::test]
async fn many_small_words_are_no_large_reply() {
    let agent = Agent::start(Speaks::Sessions).await;
    let words: Vec<String> = (0..60).map(|_| "x".repeat(100)).collect();
    agent.always(Act::Speak(words, json!({"content": "ok", "workflow_complete": true})));
    let settings = DispatchSettings { max_response_bytes: 2_048, ..DispatchSettings::default() };
    assert_eq!(ask(&agent, settings).await.unwrap().content, "ok");
}

#[tokio::test]
async fn a_question_during_a_call_is_answered() {
    let agent = Agent::start(Speaks::Sessions).await;
    let dispatcher = dispatcher(DispatchSettings::default());
    let definition = definition(agent.endpoint());
    dispatcher.call(&definition, 1, call().0).await.unwrap();
    let id: Value = serde_json::from_str(&agent.memory().calls[0].body).unwrap();
    let id = id["id"].as_i64().unwrap() + 1;
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "ok"}]}});
    let ping = r#"{"jsonrpc":"2.0","id":"q-1","method":"ping"}"#;
    let events = format!(": hello\n\nevent: message\ndata: {ping}\n\ndata: {answer}\n\n");
    agent.next(Act::Http(200, vec![("content-type", "text/event-stream".to_owned())], events));
    assert_eq!(dispatcher.call(&definition, 1, call().0).await.unwrap().content, "ok");
    assert_eq!(
        agent.memory().methods.last().map(String::as_str),
        Some(""),
        "an answer has no method"
    );
}
