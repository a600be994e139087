//! The MCP side of an agent.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorCode, ProgressNotificationParam,
    ProtocolVersion, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Act, Memory, Script, Speaks};

/// Does what the script says.
#[derive(Clone)]
pub(super) struct Handler {
    script: Arc<Script>,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        match self.script.speaks {
            Speaks::Newest => Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS),
            _ => Cow::Borrowed(ProtocolVersion::known_up_to(
                &ProtocolVersion::LATEST_WITH_INITIALIZE,
            )),
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        assert_eq!(request.name, "handle_message", "the mesh knows one tool");
        let parts = context.extensions.get::<Parts>().expect("rmcp passes the HTTP request on");
        let act = parts.extensions.get::<Act>().cloned().expect("the script came with the request");
        let _busy = Busy::new(&self.script.memory);
        match act {
            Act::Answer(object) => Ok(structured(object).into()),
            Act::Compute(answer) => {
                let arguments = Value::Object(request.arguments.unwrap_or_default());
                Ok(structured(answer(&arguments)).into())
            }
            Act::Text(blocks) => {
                let blocks: Vec<Value> =
                    blocks.iter().map(|text| json!({"type": "text", "text": text})).collect();
                Ok(result(json!({"content": blocks})).into())
            }
            Act::Result(whole) => Ok(result(whole).into()),
            Act::Error(data) => {
                Err(ErrorData::new(ErrorCode::INTERNAL_ERROR, "secret", Some(data)))
            }
            Act::Speak(words, object) => {
                speak(&context, words).await;
                Ok(structured(object).into())
            }
            Act::Hold(object) => {
                self.working(&context, released(&self.script)).await;
                Ok(structured(object).into())
            }
            Act::Hang | Act::Http(..) | Act::Break | Act::Resume(..) | Act::Linger(_) => {
                self.working(&context, std::future::pending()).await;
                Err(ErrorData::internal_error("nobody waits any longer", None))
            }
        }
    }
}

impl Handler {
    pub(super) fn new(script: Arc<Script>) -> Self {
        Self { script }
    }

    /// Works until it is done or the call is taken back.
    async fn working(&self, context: &RequestContext<RoleServer>, work: impl Future<Output = ()>) {
        tokio::select! {
            () = work => {}
            () = context.ct.cancelled() => self.script.memory.send_modify(|memory| memory.abandoned += 1),
        }
    }
}

/// Counts a call for as long as it is worked on.
struct Busy<'a>(&'a watch::Sender<Memory>);

impl<'a> Busy<'a> {
    fn new(memory: &'a watch::Sender<Memory>) -> Self {
        memory.send_modify(|memory| {
            memory.busy += 1;
            memory.busiest = memory.busiest.max(memory.busy);
        });
        Self(memory)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|memory| memory.busy -= 1);
    }
}

/// Waits until the agent is released.
pub(super) async fn released(script: &Script) {
    let _ = script.released.subscribe().wait_for(|released| *released).await;
}

async fn speak(context: &RequestContext<RoleServer>, words: Vec<String>) {
    let token = context.meta.get_progress_token().expect("the mesh sends a progress token");
    for (index, word) in words.into_iter().enumerate() {
        let progress =
            ProgressNotificationParam::new(token.clone(), index as f64 + 1.0).with_message(word);
        context.peer.notify_progress(progress).await.expect("the mesh listens");
    }
}

fn structured(object: Value) -> CallToolResult {
    result(
        json!({"content": [{"type": "text", "text": object.to_string()}], "structuredContent": object}),
    )
}

fn result(whole: Value) -> CallToolResult {
    serde_json::from_value(whole).expect("the test writes a result of tools/call")
}
