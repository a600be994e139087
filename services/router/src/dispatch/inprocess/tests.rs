use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::connect::system;
use proto::v1::{Agent, AgentState, Snapshot};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::House;
use crate::dispatch::{
    Call, DispatchSettings, Dispatcher, Failure, FailureKind, Reply, ReplyUsage, Settlement,
};
use crate::handler::{
    CallToolResult, ContentBlock, ErrorData, Handler, Handlers, Inquiry, async_trait,
};
use crate::roster::Roster;

/// Does what the message tells it to.
#[derive(Clone, Default)]
struct Puppet {
    calls: Arc<AtomicUsize>,
}

#[derive(serde::Deserialize)]
struct Arguments {
    raw_input: String,
}

#[async_trait]
impl Handler for Puppet {
    async fn handle_message(&self, inquiry: Inquiry<'_>) -> Result<CallToolResult, ErrorData> {
        let asked: Arguments = inquiry.read()?;
        let is_first = self.calls.fetch_add(1, Ordering::Relaxed) == 0;
        let never_ran = Some(json!({"_meta": {"retryable": true}}));
        let said = |text: &str| CallToolResult::success(vec![ContentBlock::text(text)]);
        Ok(match asked.raw_input.as_str() {
            "who is there" => said(&format!("{} of {:?}", inquiry.agent_id, inquiry.agents.ids())),
            "repeat the arguments" => said(inquiry.arguments.get()),
            "speak" => {
                for word in ["one", "", "two"] {
                    inquiry.say(word).await;
                }
                said("one two")
            }
            "never" => std::future::pending().await,
            "panic" => panic!("the test asks for it"),
            "fail" => CallToolResult::error(vec![ContentBlock::text("a secret")]),
            "refuse" => return Err(ErrorData::internal_error("a secret", None)),
            "later" if is_first => return Err(ErrorData::internal_error("busy", never_ran)),
            "a lot" => said(&"x".repeat(3_000)),
            "nothing" => CallToolResult::structured(json!({"content": ""})),
            _ => CallToolResult::structured(json!({
                "content": "Done.", "workflow_complete": true, "usage": {"cost_usd": 0.25},
            })),
        })
    }
}

fn agent(agent_id: &str) -> Agent {
    Agent {
        agent_id: agent_id.to_owned(),
        r#type: "inprocess".to_owned(),
        timeout_ms: Some(200),
        ..Agent::default()
    }
}

fn dispatcher(puppet: &Puppet) -> Dispatcher {
    let state = |agent_id| AgentState { agent: Some(agent(agent_id)), ..AgentState::default() };
    let agents = ["puppet", "stray"].map(state).into();
    let roster = Roster::of(Snapshot { agents, ..Snapshot::default() });
    let handlers = Handlers::default().with("puppet", puppet.clone());
    let settings = DispatchSettings { max_response_bytes: 2_048, ..DispatchSettings::default() };
    Dispatcher::of(settings, system(), Some(House { handlers, roster }))
}

fn call(input: &str) -> (Call, mpsc::Receiver<String>) {
    let (deltas, spoken) = mpsc::channel(8);
    let Value::Object(arguments) = json!({"raw_input": input}) else { unreachable!() };
    let call = Call {
        arguments,
        verbatim: vec![("workflow_state", r#"{ "n":1.0 }"#.to_owned())],
        request_id: "r-1".to_owned(),
        charge_id: "t-1/1/0".to_owned(),
        traceparent: None,
        deadline: Instant::now() + Duration::from_secs(20),
        deltas,
        cancel: CancellationToken::new(),
    };
    (call, spoken)
}

async fn ask(agent_id: &str, input: &str) -> (Result<Reply, Failure>, usize) {
    let puppet = Puppet::default();
    let outcome = dispatcher(&puppet).call(&agent(agent_id), 1, call(input).0).await;
    (outcome, puppet.calls.load(Ordering::Relaxed))
}

async fn content(input: &str) -> String {
    ask("puppet", input).await.0.expect("the handler answers").content
}

#[tokio::test]
async fn a_reply_is_read_like_any_other() {
    let reply = ask("puppet", "anything").await.0.expect("the handler answers");
    let usage = ReplyUsage { cost_micros: Some(250_000), ..ReplyUsage::default() };
    assert_eq!((reply.content.as_str(), reply.workflow_complete), ("Done.", true));
    assert_eq!((reply.usage, reply.attempts), (Some(usage), 1));
    assert_eq!(content("who is there").await, r#"puppet of ["puppet", "stray"]"#);
    let arguments = r#"{"raw_input":"repeat the arguments","workflow_state":{ "n":1.0 }}"#;
    assert_eq!(content("repeat the arguments").await, arguments, "byte for byte");
}

#[tokio::test]
async fn words_are_passed_on_while_the_handler_speaks() {
    let (call, mut spoken) = call("speak");
    let reply = dispatcher(&Puppet::default()).call(&agent("puppet"), 1, call).await;
    assert_eq!(reply.expect("the handler answers").content, "one two");
    assert_eq!(spoken.recv().await.as_deref(), Some("one"));
    assert_eq!(spoken.recv().await.as_deref(), Some("two"));
    assert_eq!(spoken.recv().await, None, "nothing is no word");
}

#[tokio::test]
async fn a_handler_fails_as_an_agent_does() {
    let cases = [
        ("fail", FailureKind::AgentError),
        ("refuse", FailureKind::AgentError),
        ("panic", FailureKind::AgentError),
        ("a lot", FailureKind::InvalidResponse),
        ("nothing", FailureKind::InvalidResponse),
        ("never", FailureKind::Timeout),
    ];
    for (input, kind) in cases {
        let (outcome, calls) = ask("puppet", input).await;
        let failure = outcome.expect_err(input);
        assert_eq!((failure.kind, failure.settlement), (kind, Settlement::Charge(None)), "{input}");
        assert!(!failure.detail.contains("secret"), "{input}: {}", failure.detail);
        assert_eq!(calls, 1, "{input}: it may have had its effect");
    }
}

#[tokio::test]
async fn what_never_ran_is_tried_again() {
    let (outcome, calls) = ask("puppet", "later").await;
    assert_eq!((outcome.map(|reply| reply.attempts), calls), (Ok(2), 2));
}

#[tokio::test]
async fn a_cancelled_turn_ends_the_call_at_once() {
    let (call, _spoken) = call("never");
    let cancel = call.cancel.clone();
    let (agent, dispatcher) = (agent("puppet"), dispatcher(&Puppet::default()));
    let (outcome, ()) =
        tokio::join!(dispatcher.call(&agent, 1, call), async move { cancel.cancel() });
    let failure = outcome.expect_err("it is cancelled");
    assert_eq!(
        (failure.kind, failure.settlement),
        (FailureKind::Cancelled, Settlement::Charge(None))
    );
}

#[tokio::test]
async fn an_agent_without_a_handler_is_not_there_and_costs_nothing() {
    let failure = ask("stray", "anything").await.0.expect_err("nobody answers");
    assert_eq!((failure.kind, failure.settlement), (FailureKind::Unreachable, Settlement::Release));
}
