//! Sessions, deadlines and places.

use std::sync::{Arc, Mutex};

use proto::v1;
use router::dispatch::{DispatchSettings, FailureKind, Settlement};
use serde_json::{Value, json};
use tracing::Subscriber;
use tracing::span::Id;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::{ALL, call, definition, dispatcher, kind_and_settlement};
use crate::agent::{Act, Agent, Speaks, reserve_at};

#[tokio::test]
async fn a_session_is_opened_once_for_many_calls() {
    let agent = Agent::start(Speaks::Sessions).await;
    let dispatcher = dispatcher(DispatchSettings::default());
    let definition = definition(agent.endpoint());
    let calls = (0..20).map(|_| dispatcher.call(&definition, 1, call().0));
    for outcome in futures::future::join_all(calls).await {
        assert_eq!(outcome.unwrap().content, "ok");
    }
    let memory = agent.memory();
    assert_eq!(memory.methods.iter().filter(|method| *method == "initialize").count(), 1);
    let sessions: Vec<&str> =
        memory.calls.iter().map(|seen| seen.header("mcp-session-id")).collect();
    assert!(
        !sessions[0].is_empty() && sessions.iter().all(|session| *session == sessions[0]),
        "{sessions:?}"
    );
    dispatcher.call(&definition, 2, call().0).await.unwrap();
    let memory = agent
        .until(|memory| memory.methods.iter().filter(|method| *method == "initialize").count() == 2)
        .await;
    assert_ne!(
        memory.calls[20].header("mcp-session-id"),
        sessions[0],
        "another generation has another session"
    );
}

/// The names of the spans that have ended.
#[derive(Clone, Default)]
struct Ended(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ended {
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.lock().unwrap().push(context.metadata(&id).unwrap().name());
    }
}

#[tokio::test]
async fn the_span_of_a_call_ends_with_the_call_even_if_it_opened_the_session() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        let ended = Ended::default();
        let subscriber = tracing_subscriber::registry().with(ended.clone());
        let listening = tracing::subscriber::set_default(subscriber);
        let dispatcher = dispatcher(DispatchSettings::default());
        dispatcher.call(&definition(agent.endpoint()), 1, call().0).await.unwrap();
        drop(listening);
        let ended = ended.0.lock().unwrap();
        assert!(ended.contains(&"router.dispatch"), "{speaks:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_hanging_agent_is_cancelled_at_the_deadline() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent.next(Act::Hang);
        let dispatcher = dispatcher(DispatchSettings::default());
        let hurried = v1::Agent { timeout_ms: Some(300), ..definition(agent.endpoint()) };
        let outcome = dispatcher.call(&hurried, 1, call().0).await;
        assert_eq!(
            kind_and_settlement(outcome),
            (FailureKind::Timeout, Settlement::Charge(None)),
            "{speaks:?}"
        );
        let memory = agent.until(|memory| memory.abandoned == 1).await;
        assert_eq!(memory.calls.len(), 1, "one call at the agent");
        let is_told = memory.methods.iter().any(|method| method == "notifications/cancelled");
        assert_eq!(is_told, speaks == Speaks::Sessions, "{:?}", memory.methods);
        assert_eq!(
            dispatcher.call(&definition(agent.endpoint()), 1, call().0).await.unwrap().content,
            "ok"
        );
    }
}

#[tokio::test]
async fn a_cancelled_turn_ends_its_call_at_once() {
    let agent = Agent::start(Speaks::Sessions).await;
    agent.always(Act::Hang);
    let (call, _spoken) = call();
    let cancel = call.cancel.clone();
    let dispatcher = dispatcher(DispatchSettings::default());
    let definition = definition(agent.endpoint());
    let (outcome, _) = tokio::join!(dispatcher.call(&definition, 1, call), async {
        agent.until(|memory| memory.calls.len() == 1).await;
        cancel.cancel();
    });
    let failure = outcome.unwrap_err();
    assert_eq!(
        (failure.kind, &failure.settlement),
        (FailureKind::Cancelled, &Settlement::Charge(None))
    );
    assert!(!failure.kind.counts_for_breaker());
    agent.until(|memory| memory.abandoned == 1).await;
}

#[tokio::test]
async fn a_lost_session_is_opened_again_once() {
    let agent = Agent::start(Speaks::Sessions).await;
    let dispatcher = dispatcher(DispatchSettings { max_retries: 0, ..DispatchSettings::default() });
    let definition = definition(agent.endpoint());
    dispatcher.call(&definition, 1, call().0).await.unwrap();
    let gone = || Act::Http(404, Vec::new(), String::new());
    agent.next(gone());
    let reply = dispatcher.call(&definition, 1, call().0).await.unwrap();
    assert_eq!((reply.content.as_str(), reply.attempts), ("ok", 1), "nothing ran before");
    let memory = agent.memory();
    assert_eq!(memory.methods.iter().filter(|method| *method == "initialize").count(), 2);
    assert_ne!(memory.calls[0].header("mcp-session-id"), memory.calls[2].header("mcp-session-id"));
    agent.next(gone());
    agent.next(gone());
    let outcome = dispatcher.call(&definition, 1, call().0).await;
    assert_eq!(
        kind_and_settlement(outcome),
        (FailureKind::Unreachable, Settlement::Release),
        "once, not twice"
    );
}

#[tokio::test]
async fn an_agent_takes_so_many_calls_at_a_time() {
    let agent = Agent::start(Speaks::Sessions).await;
    agent.always(Act::Hold(json!({"content": "ok", "workflow_complete": true})));
    let dispatcher =
        dispatcher(DispatchSettings { max_concurrency: 3, ..DispatchSettings::default() });
    let calls: Vec<_> = (0..12)
        .map(|index| {
            let (dispatcher, definition) = (dispatcher.clone(), definition(agent.endpoint()));
            tokio::spawn(async move { dispatcher.call(&definition, index % 2, call().0).await })
        })
        .collect();
    agent.until(|memory| memory.calls.len() == 3).await;
    let hurried = v1::Agent { timeout_ms: Some(100), ..definition(agent.endpoint()) };
    let outcome = dispatcher.call(&hurried, 1, call().0).await;
    assert_eq!(
        kind_and_settlement(outcome),
        (FailureKind::Timeout, Settlement::Release),
        "waiting counts"
    );
    agent.release();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().content, "ok");
    }
    assert_eq!((agent.memory().busiest, agent.memory().calls.len()), (3, 12));
}

#[tokio::test]
async fn a_restarted_agent_is_found_again() {
    let agent = Agent::start(Speaks::Sessions).await;
    let address = agent.address();
    let definition = definition(agent.endpoint());
    let dispatcher = dispatcher(DispatchSettings::default());
    dispatcher.call(&definition, 1, call().0).await.unwrap();
    agent.stop().await;
    let agent = Agent::on(reserve_at(address), Speaks::Sessions);
    let reply = dispatcher.call(&definition, 1, call().0).await.unwrap();
    assert_eq!(
        (reply.content.as_str(), agent.memory().calls.len()),
        ("ok", 2),
        "refused by a session it never had"
    );
}

#[tokio::test]
async fn a_retired_generation_closes_its_sessions() {
    let agent = Agent::start(Speaks::Sessions).await;
    let dispatcher = dispatcher(DispatchSettings::default());
    dispatcher.call(&definition(agent.endpoint()), 1, call().0).await.unwrap();
    dispatcher.retire(1);
    assert_eq!(
        dispatcher.call(&definition(agent.endpoint()), 1, call().0).await.unwrap().content,
        "ok"
    );
    assert!(
        !agent.memory().methods.contains(&"DELETE".to_owned()),
        "this generation is the present one"
    );
    dispatcher.retire(2);
    agent.until(|memory| memory.methods.contains(&"DELETE".to_owned())).await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_taken_up_again() {
    let agent = Agent::start(Speaks::Sessions).await;
    let dispatcher = dispatcher(DispatchSettings::default());
    let definition = definition(agent.endpoint());
    dispatcher.call(&definition, 1, call().0).await.unwrap();
    let first: Value = serde_json::from_str(&agent.memory().calls[0].body).unwrap();
    let id = first["id"].as_i64().unwrap() + 1;
    let word = |text: &str| {
        let params = json!({"progressToken": id, "progress": 1, "message": text});
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
    };
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "ok"}]}});
    let begun = format!("id: e-1\nretry: 10\ndata: {}\n\n", word("one"));
    let rest = format!("id: e-2\ndata: {}\n\nid: e-3\ndata: {answer}\n\n", word("two"));
    agent.next(Act::Resume(begun, rest));
    let (call, mut spoken) = call();
    assert_eq!(dispatcher.call(&definition, 1, call).await.unwrap().content, "ok");
    assert_eq!(
        (spoken.recv().await.as_deref(), spoken.recv().await.as_deref()),
        (Some("one"), Some("two"))
    );
    assert_eq!(agent.memory().calls.len(), 2, "the call itself is not repeated");
}

#[tokio::test]
async fn an_agent_that_changed_its_revision_is_asked_anew() {
    let agent = Agent::start(Speaks::Newest).await;
    let address = agent.address();
    let definition = definition(agent.endpoint());
    let dispatcher = dispatcher(DispatchSettings::default());
    dispatcher.call(&definition, 1, call().0).await.unwrap();
    agent.stop().await;
    let _agent = Agent::on(reserve_at(address), Speaks::Sessions);
    let outcome = dispatcher.call(&definition, 1, call().0).await;
    assert_eq!(kind_and_settlement(outcome), (FailureKind::AgentError, Settlement::Release));
    assert_eq!(dispatcher.call(&definition, 1, call().0).await.unwrap().content, "ok");
}

#[tokio::test]
async fn parallel_calls_get_each_their_own_answer() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        agent.always(Act::Compute(
            |arguments| json!({"content": arguments["raw_input"], "workflow_complete": true}),
        ));
        let dispatcher = dispatcher(DispatchSettings::default());
        let definition = definition(agent.endpoint());
        let calls = (0..200).map(|index| {
            let mut call = call().0;
            call.arguments.insert("raw_input".to_owned(), json!(format!("question {index}")));
            dispatcher.call(&definition, 1, call)
        });
        for (index, outcome) in futures::future::join_all(calls).await.into_iter().enumerate() {
            assert_eq!(outcome.unwrap().content, format!("question {index}"), "{speaks:?}");
        }
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    for speaks in ALL {
        let agent = Agent::start(speaks).await;
        let dispatcher = dispatcher(DispatchSettings::default());
        for _ in 0..30 {
            dispatcher.call(&definition(agent.endpoint()), 1, call().0).await.unwrap();
        }
        let connections = agent.memory().connections;
        assert!(connections < 6, "{connections} connections for 30 calls, {speaks:?}");
    }
}

#[tokio::test]
async fn a_stream_that_stays_open_holds_no_answer_back() {
    let agent = Agent::start(Speaks::Sessions).await;
    agent.always(Act::Linger(json!({"content": "ok", "workflow_complete": true})));
    let dispatcher = dispatcher(DispatchSettings::default());
    let definition = definition(agent.endpoint());
    assert_eq!(dispatcher.call(&definition, 1, call().0).await.unwrap().content, "ok");
    agent.release();
    assert_eq!(dispatcher.call(&definition, 1, call().0).await.unwrap().content, "ok");
}
