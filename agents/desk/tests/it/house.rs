//! The desks on a free port, and clients of them.

use std::path::Path;

use chassis::Life;
use desk::Config;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A client that has made the handshake of its protocol.
pub(crate) type Client = RunningService<RoleClient, ClientConfig>;

/// The desks of the shipped shop, served until this is dropped.
pub(crate) struct House {
    pub(crate) url: String,
    life: Life,
    pub(crate) folder: TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.life.close();
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        // Another crate of the same test run may have asked the HTTP client for TLS, which then wants a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            business_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../business"),
            data_path: folder.path().join("desk.db"),
            ..Config::default()
        };
        let router = desk::build(&config).await.expect("the desks are built");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let life = Life::new();
        chassis::serve::http("desk", listener, router, &life);
        Self { url, life, folder }
    }

    /// A client of one desk.
    pub(crate) async fn client(&self, desk: &str) -> Client {
        let transport = StreamableHttpClientTransport::from_uri(format!("{}/{desk}", self.url));
        ClientConfig::default().serve(transport).await.expect("the handshake is made")
    }

    /// Posts one JSON-RPC message without any handshake.
    pub(crate) async fn post(&self, desk: &str, body: Value) -> reqwest::Response {
        let request = http()
            .post(format!("{}/{desk}", self.url))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.to_string());
        request.send().await.expect("an answer")
    }
}

/// An HTTP client with a deadline.
pub(crate) fn http() -> reqwest::Client {
    let limit = std::time::Duration::from_secs(30);
    reqwest::Client::builder().timeout(limit).build().expect("a client")
}

/// The arguments of a call.
pub(crate) fn arguments(session_id: &str, request_id: &str, text: &str, state: &Value) -> Value {
    json!({
        "session_id": session_id, "request_id": request_id, "employee_id": session_id, "display_name": session_id,
        "intent_summary": "", "detected_language": "en", "raw_input": text, "entities": {}, "turn_history": [],
        "workflow_state": state,
    })
}

/// Calls `handle_message`.
pub(crate) async fn call(client: &Client, arguments: Value) -> CallToolResult {
    let arguments = arguments.as_object().cloned().expect("an object");
    let request = CallToolRequestParams::new("handle_message").with_arguments(arguments);
    client.call_tool(request).await.expect("a result")
}

/// The reply in a result.
pub(crate) fn reply(result: &CallToolResult) -> Value {
    assert_ne!(result.is_error, Some(true), "{result:?}");
    result.structured_content.clone().expect("a structured reply")
}
