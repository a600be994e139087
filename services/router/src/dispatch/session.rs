//! One MCP session with one agent: opened by rmcp, used by many calls at a time.
//!
//! Calls do not go through rmcp: they are posted by whoever makes them, so that a call costs no hand-over between tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chassis::wire::{Mcp, SESSION, Wire, WireError, outside_span};
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, Uri};
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientCapabilities, ClientConfig,
    Implementation, NumberOrString, ProgressToken, ProtocolVersion, RequestMetaObject,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, RoleClient, RunningService,
    serve_client_with_lifecycle,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};

use super::message;
use super::setback::Setback;

/// The ids before this are rmcp's, for the handshake.
const FIRST_ID: i64 = 1_000;
const NOT_FOUND: u16 = 404;

/// An agreement with an agent on how to talk.
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) uri: Uri,
    /// Keeps the session open, and closes it in the end.
    rmcp: RunningService<RoleClient, ClientConfig>,
    /// What every request of this session carries.
    pub(super) headers: HeaderMap,
    meta: RequestMetaObject,
    has_id: bool,
    next_id: AtomicI64,
}

impl Session {
    /// Agrees with an agent on a protocol version, the newest that both speak, and opens a session if it keeps any.
    pub(super) async fn open(wire: Wire, uri: Uri) -> Result<Self, Setback> {
        let client = ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("mesh", env!("CARGO_PKG_VERSION")),
        );
        let handshake = Mcp::new(wire.clone(), uri.clone());
        let config = StreamableHttpClientTransportConfig::with_uri(uri.to_string())
            .reinit_on_expired_session(false);
        let transport = StreamableHttpClientTransport::with_client(handshake.clone(), config);
        let newest = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let opening = serve_client_with_lifecycle(client.clone(), transport, newest);
        let opened = outside_span(opening).await;
        let rmcp = opened.map_err(|error| Setback::Handshake(Box::new(setback(&error))))?;
        let version =
            rmcp.peer().peer_info().map(|info| info.protocol_version.clone()).unwrap_or_default();
        let session_id = handshake.session_id();
        let has_id = session_id.is_some();
        let (headers, meta) = (headers(&version, session_id), meta(&version, client));
        Ok(Self { wire, uri, rmcp, headers, meta, has_id, next_id: AtomicI64::new(FIRST_ID) })
    }

    /// A number for a request, used once in this session.
    pub(super) fn next_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// What the request of this number says about itself.
    pub(super) fn meta(&self, id: i64) -> RequestMetaObject {
        let mut meta = self.meta.clone();
        meta.set_progress_token(ProgressToken(NumberOrString::Number(id)));
        meta
    }

    /// A missing page is a missing session when there was one.
    pub(super) fn told(&self, setback: Setback) -> Setback {
        let is_missing = matches!(setback, Setback::Status { code: NOT_FOUND, .. });
        if self.has_id && is_missing { Setback::Gone } else { setback }
    }

    /// Tells the agent that nobody waits for a request any longer. An agent without sessions notices by the closed
    /// connection.
    pub(super) fn take_back(&self, id: i64) {
        if !self.has_id {
            return;
        }
        let id = Some(NumberOrString::Number(id));
        let reason = Some("the mesh does not wait any longer".to_owned());
        let notice = CancelledNotification::new(CancelledNotificationParam::new(id, reason));
        // Once polled it is queued, and nobody waits for what becomes of it.
        let _ = self.rmcp.peer().send_notification(notice.into()).now_or_never();
    }
}

fn headers(version: &ProtocolVersion, session_id: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(version) = HeaderValue::from_str(version.as_str()) {
        headers.insert("mcp-protocol-version", version);
    }
    if ProtocolVersion::STANDARD_HEADERS <= *version {
        headers.insert("mcp-method", HeaderValue::from_static(message::METHOD));
        headers.insert("mcp-name", HeaderValue::from_static(message::TOOL));
    }
    if let Some(id) = session_id {
        headers.insert(SESSION, id);
    }
    headers
}

/// Where there is no handshake, every request says who asks and in which revision.
fn meta(version: &ProtocolVersion, client: ClientConfig) -> RequestMetaObject {
    if version.has_initialize() {
        return RequestMetaObject::new();
    }
    RequestMetaObject::with_client_context(version.clone(), client.client_info, client.capabilities)
}

fn setback(error: &ClientInitializeError) -> Setback {
    match error {
        ClientInitializeError::TransportError { error, .. } => {
            match error.error.downcast_ref::<StreamableHttpError<WireError>>() {
                Some(StreamableHttpError::Client(error)) => error.clone().into(),
                _ => Setback::Lost { cause: error.to_string(), was_sent: false },
            }
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => setback(fallback),
        ClientInitializeError::ConnectionClosed(cause) => {
            Setback::Lost { cause: cause.clone(), was_sent: true }
        }
        ClientInitializeError::JsonRpcError(_) => {
            Setback::Tool { is_retryable: false, usage: None }
        }
        other => Setback::unusable(kind_of(other)),
    }
}

/// What went wrong, without what the agent said.
fn kind_of(error: &ClientInitializeError) -> &'static str {
    match error {
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            "no protocol version in common"
        }
        _ => "the agent did not answer the handshake as one does",
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("uri", &self.uri)
            .field("has_id", &self.has_id)
            .finish_non_exhaustive()
    }
}

/// A session that many calls share.
pub(super) type Shared = Arc<Session>;
