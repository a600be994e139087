//! An agent on a real socket: MCP through rmcp's server and A2A beside it, each answering offers as a test says.

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use proto::v1::Agent;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What an agent does with an offer.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with this object.
    Answer(Value),
    /// Reports an error in the way of its protocol.
    Fail,
    /// Answers with this HTTP status so many times, then accepts.
    Status(u16, usize),
    /// Says nothing.
    Hang,
}

impl Act {
    /// Takes over.
    pub(crate) fn accept() -> Self {
        Self::Answer(json!({"accepted": true}))
    }

    /// Does not take over.
    pub(crate) fn refuse(code: &str) -> Self {
        Self::Answer(json!({"accepted": false, "response_code": code, "message": "not today"}))
    }
}

/// What an agent has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// MCP methods in their order.
    pub(crate) methods: Vec<String>,
    /// Arguments of `accept_handoff`.
    pub(crate) mcp: Vec<Value>,
    /// Bodies and idempotency keys of A2A offers.
    pub(crate) a2a: Vec<(Value, String)>,
}

struct Script {
    mcp: Mutex<Option<Act>>,
    a2a: Mutex<Act>,
    memory: watch::Sender<Memory>,
}

/// A running agent.
pub(crate) struct Desk {
    script: Arc<Script>,
    origin: String,
    task: JoinHandle<()>,
}

impl Desk {
    /// Starts an agent; `mcp` says what it does with an offer, if it lists the tool for it.
    pub(crate) async fn start(mcp: Option<Act>, a2a: Act) -> Self {
        let memory = watch::Sender::default();
        let script = Arc::new(Script { mcp: Mutex::new(mcp), a2a: Mutex::new(a2a), memory });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let handler = Handler { script: script.clone() };
        let settings = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true);
        let service = StreamableHttpService::new(
            move || Ok(handler.clone()),
            Arc::new(NeverSessionManager::default()),
            settings,
        );
        let routes = Router::new()
            .nest_service("/mcp", service)
            .layer(from_fn_with_state(script.clone(), overhear))
            .route("/a2a/handoffs", post(a2a_offer).with_state(script.clone()));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { script, origin, task }
    }

    /// An agent that lists no tool for offers.
    pub(crate) async fn plain() -> Self {
        Self::start(None, Act::Fail).await
    }

    /// Its definition.
    pub(crate) fn definition(&self, agent_id: &str, skills: &[&str]) -> Agent {
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Agent {
            agent_id: agent_id.to_owned(),
            display_name: agent_id.to_owned(),
            r#type: "mcp".to_owned(),
            endpoint: format!("{}/mcp", self.origin),
            skills: texts(skills),
            domains: texts(skills),
            transports: texts(&["mcp", "a2a"]),
            accepts_handoff: true,
            ..Agent::default()
        }
    }

    /// Where it takes A2A offers.
    pub(crate) fn a2a_endpoint(&self) -> String {
        format!("{}/a2a", self.origin)
    }

    /// Does something else from now on.
    pub(crate) fn now(&self, mcp: Option<Act>) {
        *self.script.mcp.lock().unwrap() = mcp;
    }

    /// What it has seen so far.
    pub(crate) fn memory(&self) -> Memory {
        self.script.memory.borrow().clone()
    }

    /// Waits until it has seen enough.
    pub(crate) async fn until(&self, enough: impl Fn(&Memory) -> bool) {
        self.script.memory.subscribe().wait_for(enough).await.unwrap();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn overhear(State(script): State<Arc<Script>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    if method == "tools/call" {
        let broken = script.mcp.lock().unwrap().as_mut().and_then(broken);
        if let Some(status) = broken {
            return status.into_response();
        }
    }
    script.memory.send_modify(|memory| memory.methods.push(method));
    next.run(Request::from_parts(parts, body.into())).await
}

/// The status to answer with, while there are any left.
fn broken(act: &mut Act) -> Option<StatusCode> {
    match act {
        Act::Status(status, times) if 0 < *times => {
            *times -= 1;
            Some(StatusCode::from_u16(*status).unwrap())
        }
        _ => None,
    }
}

async fn a2a_offer(
    State(script): State<Arc<Script>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    script.memory.send_modify(|memory| memory.a2a.push((body, key.unwrap_or_default())));
    let (status, act) = {
        let mut act = script.a2a.lock().unwrap();
        (broken(&mut act), act.clone())
    };
    match (status, act) {
        (Some(status), _) => status.into_response(),
        (None, Act::Answer(answer)) => Json(answer).into_response(),
        (None, Act::Status(..)) => Json(json!({"accepted": true})).into_response(),
        (None, Act::Fail) => StatusCode::IM_A_TEAPOT.into_response(),
        (None, Act::Hang) => std::future::pending().await,
    }
}

#[derive(Clone)]
struct Handler {
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
        let mut names = vec!["handle_message"];
        names.extend(self.script.mcp.lock().unwrap().as_ref().map(|_| "accept_handoff"));
        let tool = |name: &'static str| Tool::new(name, name, Arc::new(serde_json::Map::new()));
        Ok(ListToolsResult::with_all_items(names.into_iter().map(tool).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        self.script.memory.send_modify(|memory| memory.mcp.push(arguments));
        let act = self.script.mcp.lock().unwrap().clone();
        let result = match act {
            Some(Act::Answer(answer)) => {
                json!({"content": [{"type": "text", "text": answer.to_string()}]})
            }
            Some(Act::Status(..)) => {
                json!({"content": [], "structuredContent": {"accepted": true}})
            }
            Some(Act::Fail) | None => json!({"content": [], "isError": true}),
            Some(Act::Hang) => std::future::pending().await,
        };
        let result: rmcp::model::CallToolResult = serde_json::from_value(result).unwrap();
        Ok(result.into())
    }
}
