//! The server as rmcp calls it: the list of tools, and one call of a tool.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
    CustomResult, ErrorCode, ErrorData, Implementation, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::call::{Call, Failure, Outcome, Progress};
use super::tool::{self, Tool};
use crate::extract::Caller;
use crate::front::Front;
use crate::middleware::outer::RequestId;
use crate::problem::Problem;
use crate::routes::request::note_invalid;

/// All that a client hears of a failure of ours.
pub(super) const INTERNAL: &str = "internal error";
/// Methods of the protocol that take parameters. One that comes with wrong ones is known all the same.
const WITH_PARAMETERS: [&str; 5] =
    ["initialize", "tools/call", "tools/list", "completion/complete", "logging/setLevel"];
const INSTRUCTIONS: &str = "Handoff Mesh routes the messages of a customer to the agent that can answer them. \
     handle_message is the whole of it: it classifies, asks back, stays within the budget and keeps the conversation. \
     The other tools are its parts, for assistants that look into a conversation or steer it. Results are JSON, in \
     structuredContent and as text; a failure has isError and a body with a stable code.";

/// The mesh as an MCP server.
#[derive(Clone)]
pub(super) struct Server {
    front: Arc<Front>,
}

impl Server {
    pub(super) fn new(front: Arc<Front>) -> Self {
        Self { front }
    }

    async fn outcome(
        &self,
        tool: &'static Tool,
        parts: &Parts,
        progress: Option<Progress>,
    ) -> Outcome {
        let call = Call::new(&self.front, tool, parts, progress)?;
        call.count().await?;
        let worked = AssertUnwindSafe((tool.work)(call)).catch_unwind().await;
        worked.unwrap_or_else(|_| {
            tracing::error!(tool = tool.name, "a tool panicked");
            Err(Failure::Tool(Problem::new("internal")))
        })
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new("handoff-mesh", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(implementation)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tool::all().map(Tool::described).collect()))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        tool::named(name).map(Tool::described)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let unknown = || invalid("there is no such tool".to_owned(), &[]);
        let tool = tool::named(&request.name).ok_or_else(unknown)?;
        let progress = context.meta.get_progress_token();
        let progress = progress.map(|token| Progress { token, peer: context.peer.clone() });
        let parts = context.extensions.get::<Parts>().ok_or_else(internal)?;
        let problem = match self.outcome(tool, parts, progress).await {
            Ok(text) => return Ok(result(text, false)?.into()),
            Err(Failure::Arguments(problem)) => {
                if let Ok(caller) = Caller::<()>::of(parts) {
                    note_invalid(&caller, &problem);
                }
                return Err(broken(&problem));
            }
            Err(Failure::Tool(problem)) => problem,
        };
        if problem.code() == "internal" {
            return Err(internal());
        }
        let own = parts.extensions.get::<RequestId>().map_or("", |id| &id.0);
        let body = problem.body(problem.request_id().unwrap_or(own));
        Ok(result(body, true)?.into())
    }

    /// What rmcp does not understand: a method that it does not know, or one with parameters that it cannot read.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if WITH_PARAMETERS.contains(&request.method.as_str()) {
            return Err(invalid(
                format!("the parameters of {} are not valid", request.method),
                &[],
            ));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there is no such method", None))
    }
}

/// A result as text, byte for byte, and as the same JSON.
fn result(text: String, is_error: bool) -> Result<CallToolResult, ErrorData> {
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        tracing::error!(%error, "the result of a tool is no JSON");
        internal()
    })?;
    let mut result = CallToolResult::structured(value);
    result.content = vec![ContentBlock::text(text)];
    result.is_error = Some(is_error);
    Ok(result)
}

fn broken(problem: &Problem) -> ErrorData {
    let details: Vec<_> = problem
        .details()
        .iter()
        .map(|violation| json!({"path": violation.path, "message": violation.message}))
        .collect();
    let rules: Vec<_> = problem
        .details()
        .iter()
        .map(|violation| format!("{} {}", violation.path, violation.message))
        .collect();
    invalid(format!("the arguments are not valid: {}", rules.join("; ")), &details)
}

fn invalid(message: String, details: &[Value]) -> ErrorData {
    let data = (!details.is_empty()).then(|| json!({"details": details}));
    ErrorData::invalid_params(message, data)
}

fn internal() -> ErrorData {
    ErrorData::internal_error(INTERNAL, None)
}
