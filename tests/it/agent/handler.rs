//! The MCP side of an agent: what it does with calls and offers.

use std::sync::Arc;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value, json};

use super::{Act, Call, Offer, Script};

const OFFER: &str = "accept_handoff";

#[derive(Clone)]
pub(super) struct Handler {
    id: String,
    script: Arc<Script>,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut tools = vec![Tool::new("handle_message", "Answers a customer.", Map::new())];
        if self.script.offers.lock().unwrap().is_some() {
            tools.push(Tool::new(OFFER, "Takes over a conversation.", Map::new()));
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        if request.name == OFFER {
            return Ok(self.consider(arguments).await.into());
        }
        let header = |name| header(&context, name);
        let call = Call {
            arguments,
            charge_id: header("idempotency-key"),
            request_id: header("x-request-id"),
        };
        self.script.calls.lock().unwrap().push(call);
        self.script.called.notify_waiters();
        let act = self.script.next.lock().unwrap().pop_front();
        let act =
            act.unwrap_or_else(|| Act::Reply(json!({"content": format!("{} here.", self.id)})));
        let result = match act {
            Act::Reply(reply) => CallToolResult::structured(reply),
            Act::Stream(texts, reply) => {
                self.tell(&context, texts).await;
                CallToolResult::structured(reply)
            }
            Act::Text(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Act::Fail(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
            Act::Hold(reply) => {
                self.script.released.acquire().await.unwrap().forget();
                CallToolResult::structured(reply)
            }
            Act::Hang => std::future::pending().await,
            Act::TurnAway | Act::Break => unreachable!("these are met at the door"),
        };
        Ok(result.into())
    }
}

impl Handler {
    pub(super) fn new(id: &str, script: Arc<Script>) -> Self {
        Self { id: id.to_owned(), script }
    }

    /// Says whether it takes over.
    async fn consider(&self, arguments: Value) -> CallToolResult {
        self.script.offered.lock().unwrap().push(arguments);
        let offer =
            self.script.offers.lock().unwrap().as_mut().and_then(|offers| offers.pop_front());
        match offer.unwrap_or(Offer::Accept) {
            Offer::Accept => CallToolResult::structured(json!({"accepted": true})),
            Offer::Refuse(code) => CallToolResult::structured(
                json!({"accepted": false, "response_code": code, "message": "not today"}),
            ),
            Offer::Babble => CallToolResult::structured(json!({"accepted": "perhaps"})),
            Offer::Hang => std::future::pending().await,
        }
    }

    async fn tell(&self, context: &RequestContext<RoleServer>, texts: Vec<String>) {
        let token = context.meta.get_progress_token().expect("the mesh sends a progress token");
        for (step, text) in (1..).map(f64::from).zip(texts) {
            let progress = ProgressNotificationParam::new(token.clone(), step).with_message(text);
            context.peer.notify_progress(progress).await.unwrap();
        }
    }
}

fn header(context: &RequestContext<RoleServer>, name: &str) -> String {
    let parts = context.extensions.get::<http::request::Parts>();
    let value = parts.and_then(|parts| parts.headers.get(name));
    value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}
