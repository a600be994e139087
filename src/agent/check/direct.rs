//! An MCP client for what the mesh's dispatcher has no need of: tools, error codes, and the raw form of a reply.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chassis::address::Allowlist;
use chassis::connect::{Connector, system};
use chassis::wire::{Mcp, Wire, WireError};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation,
    PaginatedRequestParams, ProtocolVersion, Tool,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, RoleClient, RunningService, ServiceError,
    serve_client_with_lifecycle,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};
use serde_json::{Map, Value};
use url::Url;

/// How many pages of tools are read.
const PAGES_MAX: usize = 10;
/// Connections that are kept.
const CONNECTIONS: usize = 4;
/// The most that is read of one answer.
const ANSWER_BYTES_MAX: usize = 1_048_576;

/// An open MCP session.
pub(super) struct Direct {
    session: RunningService<RoleClient, ClientConfig>,
    limit: Duration,
}

/// How a call ended that was made without the dispatcher.
pub(super) enum Said {
    /// A result, which may say that it is an error.
    Result(Box<CallToolResult>),
    /// A JSON-RPC error with its code.
    Fault(i32),
    /// Nothing that could be read, and why.
    Nothing(String),
}

impl Direct {
    /// Opens a session, in the newest version that both sides speak.
    pub(super) async fn connect(url: &Url, limit: Duration) -> Result<Self, String> {
        let uri = url
            .as_str()
            .parse()
            .map_err(|error: http::uri::InvalidUri| format!("{url}: {error}"))?;
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
        let transport =
            StreamableHttpClientTransport::with_client(Mcp::new(wire(url), uri), config);
        let implementation = Implementation::new("mesh agent check", env!("CARGO_PKG_VERSION"));
        let client = ClientConfig::new(ClientCapabilities::default(), implementation);
        let newest = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let opening = serve_client_with_lifecycle(client, transport, newest);
        match tokio::time::timeout(limit, opening).await {
            Ok(Ok(session)) => Ok(Self { session, limit }),
            Ok(Err(error)) => Err(unopened(&error)),
            Err(_) => Err(late(limit)),
        }
    }

    /// Who the server says it is.
    pub(super) fn introduction(&self) -> String {
        let Some(info) = self.session.peer().peer_info() else { return String::new() };
        let protocol = format!("MCP {}", info.protocol_version);
        match &info.server_info {
            Some(server) => format!("{} {}, {protocol}", server.name, server.version),
            None => protocol,
        }
    }

    /// The tools that it lists, or why there are none.
    pub(super) async fn tools(&self) -> Result<Vec<Tool>, String> {
        let mut tools = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page = tokio::time::timeout(self.limit, self.session.list_tools(Some(page)));
            let page = page.await.map_err(|_| late(self.limit))?.map_err(|error| cause(&error))?;
            tools.extend(page.tools);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(tools);
            }
        }
        Err(format!("the list of tools has more than {PAGES_MAX} pages"))
    }

    /// Calls a tool.
    pub(super) async fn call(&self, tool: &'static str, arguments: Map<String, Value>) -> Said {
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        match tokio::time::timeout(self.limit, self.session.call_tool(request)).await {
            Ok(Ok(result)) => Said::Result(Box::new(result)),
            Ok(Err(ServiceError::McpError(fault))) => Said::Fault(fault.code.0),
            Ok(Err(error)) => Said::Nothing(cause(&error)),
            Err(_) => Said::Nothing(late(self.limit)),
        }
    }
}

/// The object of a result, wherever it stands.
pub(super) fn object(result: &CallToolResult) -> Option<Value> {
    let texts = result.content.iter().filter_map(|block| block.as_text());
    let in_text =
        || texts.map(|text| text.text.as_str()).find_map(|text| serde_json::from_str(text).ok());
    result.structured_content.clone().or_else(in_text).filter(Value::is_object)
}

/// HTTP to the agent, which may be at any address: it is its author who asks.
pub(super) fn wire(url: &Url) -> Wire {
    let allowlist = Allowlist::parse(&[authority(url)]).unwrap_or_default();
    let connector = Connector::new(Arc::new(allowlist), system());
    Wire::new(connector, CONNECTIONS, ANSWER_BYTES_MAX)
}

/// The entry of an allow-list that exempts exactly this endpoint.
pub(super) fn authority(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Why no session was opened; the library wraps what HTTP said so deep that nobody would read it.
fn unopened(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::TransportError { error: transport, .. } => {
            match transport.error.downcast_ref::<StreamableHttpError<WireError>>() {
                Some(StreamableHttpError::Client(cause)) => cause.to_string(),
                _ => cause(error),
            }
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => unopened(fallback),
        _ => cause(error),
    }
}

/// An error with everything beneath it, since the first line seldom says what to do.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts.dedup_by(|later, earlier| earlier.contains(later.as_str()));
    texts.join(": ")
}

fn late(limit: Duration) -> String {
    format!("no answer within {} ms", limit.as_millis())
}
