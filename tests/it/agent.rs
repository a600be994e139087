//! A scripted agent: a real MCP server on a real socket that does what the scenario says and remembers its calls.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a scenario waits for a call.
const LIMIT: Duration = Duration::from_secs(20);

/// What an agent does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with this reply.
    Reply(Value),
    /// Says these parts as progress, then answers.
    Stream(Vec<String>, Value),
    /// Answers with plain text.
    Text(String),
    /// Reports a tool error with this text.
    Fail(String),
    /// Answers once the scenario lets it.
    Hold(Value),
    /// Never answers.
    Hang,
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The arguments of `handle_message`.
    pub(crate) arguments: Value,
    /// The header `Idempotency-Key`.
    pub(crate) charge_id: String,
}

#[derive(Default)]
struct Script {
    next: Mutex<VecDeque<Act>>,
    calls: Mutex<Vec<Call>>,
    called: Notify,
    released: Notify,
}

/// A running agent.
pub(crate) struct Agent {
    /// Its id.
    pub(crate) id: String,
    address: SocketAddr,
    extra: String,
    script: Arc<Script>,
    stop: CancellationToken,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Agent {
    /// Starts an agent that answers every call in its own name.
    pub(crate) async fn start(id: &str) -> Self {
        let script = Arc::new(Script::default());
        let stop = CancellationToken::new();
        let handler = Handler { id: id.to_owned(), script: script.clone() };
        let mut config = StreamableHttpServerConfig::default();
        config.legacy_session_mode = false;
        config.json_response = true;
        config.cancellation_token = stop.clone();
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions, config);
        let router = axum::Router::new().nest_service("/mcp", service);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ended = stop.clone();
        tokio::spawn(async move {
            let _ = ended.run_until_cancelled(axum::serve(listener, router).into_future()).await;
        });
        Self { id: id.to_owned(), address, extra: String::new(), script, stop }
    }

    /// Adds lines to the definition.
    pub(crate) fn defined_with(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self
    }

    /// What the next calls do, in order; after them the agent answers in its own name again.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.next.lock().unwrap().extend(acts);
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.script.calls.lock().unwrap().clone()
    }

    /// Resolves when so many calls have arrived.
    pub(crate) async fn called(&self, times: usize) -> Vec<Call> {
        let arrived = async {
            loop {
                let notified = self.script.called.notified();
                let calls = self.calls();
                if times <= calls.len() {
                    return calls;
                }
                notified.await;
            }
        };
        tokio::time::timeout(LIMIT, arrived).await.expect("the calls arrive")
    }

    /// Lets one held call answer.
    pub(crate) fn release(&self) {
        self.script.released.notify_one();
    }

    /// Ends the agent: its port refuses connections from now on.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// Its definition file.
    pub(crate) fn definition(&self) -> String {
        let (description, examples, is_default) = match self.id.as_str() {
            "sales" => ("Prices, offers and buying.", SALES, false),
            "support" => ("Orders, deliveries, returns and refunds.", SUPPORT, false),
            "booking" => ("Books, moves and cancels appointments.", BOOKING, false),
            "hello" => ("Greets and says what the others do.", HELLO, true),
            _ => ("Decides what nobody else may decide.", LEAD, false),
        };
        let Self { id, address, extra, .. } = self;
        let threshold = if is_default { "0" } else { "0.6" };
        let clarification = !is_default;
        let examples = serde_json::to_string(examples).unwrap();
        let skills = if extra.contains("skills:") {
            String::new()
        } else {
            format!("skills: [{id}]\ndomains: [{id}]\n")
        };
        format!(
            "agent_id: {id}\ndisplay_name: The {id} desk\ndescription: {description}\ntype: mcp\n\
             endpoint: http://{address}/mcp\nis_default: {is_default}\n\
             confidence_threshold: {threshold}\nclarification_required: {clarification}\n\
             examples: {examples}\nlanguages: [en]\n{skills}{extra}"
        )
    }
}

const SALES: &[&str] = &[
    "How much does the blue bicycle cost?",
    "I want to buy a helmet",
    "What is the price of a new tyre?",
    "Do you have a discount on lights?",
    "Which bike is cheaper?",
    "Send me a quote for two bikes",
];
const SUPPORT: &[&str] = &[
    "I need help with my order",
    "Where is my parcel?",
    "I want a refund",
    "My delivery is late",
    "The item arrived broken",
    "How do I return what I ordered?",
];
const BOOKING: &[&str] = &[
    "I want to book an appointment tomorrow",
    "Can I come in on Friday at 3 pm?",
    "Move my visit to Monday",
    "Cancel my appointment",
    "Book a repair slot",
    "Is there a free time this week?",
];
const LEAD: &[&str] = &["I have a complaint about your staff"];
const HELLO: &[&str] = &["Hello", "Good morning", "Thank you", "What can you do?"];

#[derive(Clone)]
struct Handler {
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
        let tool = Tool::new("handle_message", "Answers a customer.", Map::new());
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<http::request::Parts>();
        let header = parts.and_then(|parts| parts.headers.get("idempotency-key"));
        let charge_id = header.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        self.script.calls.lock().unwrap().push(Call { arguments, charge_id });
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
                self.script.released.notified().await;
                CallToolResult::structured(reply)
            }
            Act::Hang => std::future::pending().await,
        };
        Ok(result.into())
    }
}

impl Handler {
    async fn tell(&self, context: &RequestContext<RoleServer>, texts: Vec<String>) {
        let token = context.meta.get_progress_token().expect("the mesh sends a progress token");
        for (step, text) in (1..).map(f64::from).zip(texts) {
            let progress = ProgressNotificationParam::new(token.clone(), step).with_message(text);
            context.peer.notify_progress(progress).await.unwrap();
        }
    }
}
