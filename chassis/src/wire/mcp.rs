//! What rmcp needs of HTTP to speak MCP: to agree on a protocol version, to open and close a session, and to call.

use std::collections::HashMap;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, OnceLock};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorData, JsonRpcMessage, JsonRpcRequest, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};
use tokio_util::task::AbortOnDropHandle;

use super::{Form, Outgoing, Sent, Wire, WireError, form, request};

/// The name of the header that names an MCP session.
pub const SESSION: &str = "mcp-session-id";

type Refused = StreamableHttpError<WireError>;

/// The HTTP half of one MCP session.
#[derive(Clone, Debug)]
pub struct Mcp {
    wire: Wire,
    uri: Uri,
    session_id: Arc<OnceLock<HeaderValue>>,
}

impl Mcp {
    /// Of a session with the server at this address.
    #[must_use]
    pub fn new(wire: Wire, uri: Uri) -> Self {
        Self { wire, uri, session_id: Arc::default() }
    }

    /// The session that the server opened; a server without sessions opens none.
    #[must_use]
    pub fn session_id(&self) -> Option<HeaderValue> {
        self.session_id.get().cloned()
    }

    async fn post(
        &self,
        message: &ClientJsonRpcMessage,
        headers: HeaderMap,
    ) -> Result<StreamableHttpPostResponse, Refused> {
        let body = Outgoing::new(serde_json::to_vec(message)?, Sent::default());
        let response = match self.wire.post(&self.uri, headers, body).await {
            Ok(response) => response,
            Err(error) => return speaks_older(message, &error).ok_or(Refused::Client(error)),
        };
        if !matches!(message, JsonRpcMessage::Request(_)) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let session_id = response.headers().get(SESSION).cloned();
        if let Some(id) = &session_id {
            let _ = self.session_id.set(id.clone());
        }
        let session_id = session_id.and_then(|id| id.to_str().ok().map(str::to_owned));
        match form(response.headers()).map_err(Refused::Client)? {
            Form::Json => {
                let body = self.wire.whole(response.into_body()).await.map_err(Refused::Client)?;
                let answer: ServerJsonRpcMessage = serde_json::from_slice(&body)
                    .map_err(|_| Refused::Client(WireError::Message))?;
                Ok(StreamableHttpPostResponse::Json(answer, session_id))
            }
            Form::Events => {
                let events = SseStream::new(self.wire.metered(response.into_body()).0);
                Ok(StreamableHttpPostResponse::Sse(events.boxed(), session_id))
            }
        }
    }
}

/// Opens a session outside of the span of whoever asks for it, and gives up with them.
///
/// rmcp holds on to the span in which it opens a session until that is closed, so that the span of the first call would
/// be exported when the last is over.
pub async fn outside_span<T: Send + 'static>(
    opening: impl Future<Output = T> + Send + 'static,
) -> T {
    match AbortOnDropHandle::new(tokio::spawn(opening)).await {
        Ok(opened) => opened,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime ends, and the caller with it.
            Err(_) => std::future::pending().await,
        },
    }
}

impl StreamableHttpClient for Mcp {
    type Error = WireError;

    async fn post_message(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Refused> {
        self.post(&message, header_map(session_id, headers)).await
    }

    async fn delete_session(
        &self,
        _: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Refused> {
        let headers = header_map(Some(session_id), headers);
        let farewell = request(Method::DELETE, &self.uri, headers, Outgoing::default());
        self.wire.send(farewell).await.map(drop).map_err(Refused::Client)
    }

    /// Nothing that a server says outside of a call concerns the mesh, so no connection is held open for it.
    async fn get_stream(
        &self,
        _: Arc<str>,
        _: Option<Arc<str>>,
        _: Option<String>,
        _: Option<String>,
        _: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Refused> {
        Err(Refused::ServerDoesNotSupportSse)
    }
}

/// A server that refuses to be asked what it speaks speaks an older revision; rmcp then initialises the older way.
fn speaks_older(
    message: &ClientJsonRpcMessage,
    error: &WireError,
) -> Option<StreamableHttpPostResponse> {
    let JsonRpcMessage::Request(JsonRpcRequest {
        request: ClientRequest::DiscoverRequest(_),
        id,
        ..
    }) = message
    else {
        return None;
    };
    match error {
        WireError::Status { code: 401 | 403 | 429, .. } => None,
        WireError::Status { code: 400..=501, .. } => Some(refusal(id)),
        _ => None,
    }
}

fn refusal(id: &RequestId) -> StreamableHttpPostResponse {
    let error = ErrorData::invalid_request("server/discover is not known", None);
    StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, Some(id.clone())), None)
}

fn header_map(
    session_id: Option<Arc<str>>,
    headers: HashMap<HeaderName, HeaderValue>,
) -> HeaderMap {
    let mut map: HeaderMap = headers.into_iter().collect();
    if let Some(Ok(id)) = session_id.map(|id| HeaderValue::from_str(&id)) {
        map.insert(SESSION, id);
    }
    map
}
