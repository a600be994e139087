//! Calls of agents that answer, fail, hang, break the protocol, or are not there.

use std::time::Duration;

use proto::v1;
use router::dispatch::{
    Call, DispatchSettings, Dispatcher, Failure, FailureKind, Reply, Settlement,
};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, Speaks};

mod answer;
mod failure;
mod session;

const ALL: [Speaks; 3] = [Speaks::Newest, Speaks::Sessions, Speaks::Json];

fn dispatcher(settings: DispatchSettings) -> Dispatcher {
    let settings = DispatchSettings { allowlist: vec!["127.0.0.1".to_owned()], ..settings };
    Dispatcher::new(settings, chassis::connect::system())
}

fn definition(endpoint: String) -> v1::Agent {
    v1::Agent {
        agent_id: "support".to_owned(),
        r#type: "mcp".to_owned(),
        endpoint,
        ..v1::Agent::default()
    }
}

fn call() -> (Call, mpsc::Receiver<String>) {
    let (deltas, spoken) = mpsc::channel(64);
    let arguments = json!({"raw_input": "hello", "session_id": "s-1", "request_id": "r-1"});
    let call = Call {
        arguments: arguments.as_object().unwrap().clone(),
        verbatim: Vec::new(),
        request_id: "r-1".to_owned(),
        charge_id: "t-1/1/0".to_owned(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        deadline: Instant::now() + Duration::from_secs(20),
        deltas,
        cancel: CancellationToken::new(),
    };
    (call, spoken)
}

async fn ask(agent: &Agent, settings: DispatchSettings) -> Result<Reply, Failure> {
    dispatcher(settings).call(&definition(agent.endpoint()), 1, call().0).await
}

async fn ask_once(agent: &Agent) -> Result<Reply, Failure> {
    ask(agent, DispatchSettings::default()).await
}

fn kind_and_settlement(outcome: Result<Reply, Failure>) -> (FailureKind, Settlement) {
    let failure = outcome.unwrap_err();
    (failure.kind, failure.settlement)
}
