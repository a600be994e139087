//! One desk as an MCP server with the tool `handle_message`.

use std::sync::Arc;
use std::time::Duration;

use rmcp::handler::server::common::{schema_for_input, schema_for_output};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::desks::Desks;
use crate::message::Message;
use crate::reply::Reply;
use crate::topic::Desk;

/// The tool of the agent contract.
const TOOL: &str = "handle_message";
/// What one answer may take: less than the definitions allow, so that the mesh hears why.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);

/// One desk, as the mesh speaks to it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    desk: Desk,
    desks: Arc<Desks>,
    tool: Arc<Tool>,
}

impl Server {
    /// The server of one desk.
    #[must_use]
    pub(crate) fn new(desk: Desk, desks: Arc<Desks>) -> Self {
        Self { desk, desks, tool: Arc::new(tool(desk)) }
    }

    async fn answer(&self, message: &Message) -> Result<Reply, CallToolResult> {
        let answer = self.desks.answer(self.desk, message, chassis::clock::now_ms());
        match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => {
                tracing::error!(agent_id = self.desk.id(), cause = ?error, "a message could not be answered");
                Err(failure("the desk cannot answer at the moment"))
            }
            Err(_) => {
                tracing::error!(agent_id = self.desk.id(), "an answer took too long");
                Err(failure("the desk took too long to answer"))
            }
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new(self.desk.id(), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(implementation)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![self.tool.as_ref().clone()]))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == TOOL).then(|| self.tool.as_ref().clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name != TOOL {
            return Err(ErrorData::invalid_params(
                format!("there is no tool `{}`", request.name),
                None,
            ));
        }
        let message = message(request)?;
        let reply = match self.answer(&message).await {
            Ok(reply) => reply,
            Err(failure) => return Ok(failure.into()),
        };
        if message.wants_stream() && reply.handoff.is_none() {
            stream(&reply.content, &context).await;
        }
        let value = serde_json::to_value(&reply)
            .map_err(|_| ErrorData::internal_error("the reply cannot be written", None))?;
        Ok(CallToolResult::structured(value).into())
    }
}

fn tool(desk: Desk) -> Tool {
    let description = match desk {
        Desk::Sales => {
            "Answers a customer of the sales desk: finds, compares and prices products, and works out a total."
        }
        Desk::Support => {
            "Answers a customer of the support desk: orders, delivery, returns, guarantee, opening hours."
        }
        Desk::Booking => "Answers a customer of the booking desk: makes, moves and cancels visits.",
        Desk::Welcome => "Greets a customer, says what the desks can do, and passes on to them.",
    };
    let input = schema_for_input::<Message>().expect("the arguments are an object");
    let changes_nothing = desk != Desk::Booking;
    let hints = ToolAnnotations::new()
        .read_only(changes_nothing)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(TOOL, description, input)
        .with_raw_output_schema(schema_for_output::<Reply>())
        .with_annotations(hints)
}

fn message(request: CallToolRequestParams) -> Result<Message, ErrorData> {
    let arguments = Value::Object(request.arguments.unwrap_or_default());
    let message: Message = serde_json::from_value(arguments).map_err(|error| {
        ErrorData::invalid_params(format!("the arguments are not valid: {error}"), None)
    })?;
    let faults = message.faults();
    if faults.is_empty() {
        return Ok(message);
    }
    let text: Vec<_> = faults.iter().map(|(field, fault)| format!("{field} {fault}")).collect();
    Err(ErrorData::invalid_params(text.join("; "), Some(json!(faults))))
}

/// An error of the tool. Either nothing has changed or the reply is stored, so the same call may be made again.
fn failure(text: &str) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    let retryable = [("retryable".to_owned(), Value::Bool(true))];
    result.meta = Some(rmcp::model::MetaObject(retryable.into_iter().collect()));
    result
}

/// Sends the text ahead in two parts. Only for callers that ask for it: it turns the plain response into a stream.
async fn stream(content: &str, context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    let middle = content.find(['\n', '.']).map_or(content.len(), |end| end + 1);
    let (first, rest) = content.split_at(middle);
    let parts: Vec<&str> = [first, rest].into_iter().filter(|part| !part.is_empty()).collect();
    for (index, part) in parts.iter().enumerate() {
        let progress = ProgressNotificationParam::new(token.clone(), (index + 1) as f64)
            .with_total(parts.len() as f64)
            .with_message(*part);
        if context.peer.notify_progress(progress).await.is_err() {
            return;
        }
    }
}
