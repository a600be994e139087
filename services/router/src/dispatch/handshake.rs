//! What rmcp needs from HTTP to agree on a protocol version and to open and close a session.
//!
//! Calls do not come this way: they are posted by whoever makes them, so that a call costs no hand-over between tasks.

use std::collections::HashMap;
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

use super::setback::Setback;
use super::wire::{self, Form, Outgoing, SESSION, Sent, Wire};

type Refused = StreamableHttpError<Setback>;

/// The HTTP half of one handshake.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    wire: Wire,
    uri: Uri,
    session_id: Arc<OnceLock<HeaderValue>>,
}

impl Handshake {
    pub(super) fn new(wire: Wire, uri: Uri) -> Self {
        Self { wire, uri, session_id: Arc::default() }
    }

    /// The session that the agent opened; an agent without sessions opens none.
    pub(super) fn session_id(&self) -> Option<HeaderValue> {
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
            Err(setback) => return speaks_older(message, &setback).ok_or(Refused::Client(setback)),
        };
        if !matches!(message, JsonRpcMessage::Request(_)) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let session_id = response.headers().get(SESSION).cloned();
        if let Some(id) = &session_id {
            let _ = self.session_id.set(id.clone());
        }
        let session_id = session_id.and_then(|id| id.to_str().ok().map(str::to_owned));
        match wire::form(response.headers()).map_err(Refused::Client)? {
            Form::Json => {
                let body = self.wire.whole(response.into_body()).await.map_err(Refused::Client)?;
                let answer: ServerJsonRpcMessage = serde_json::from_slice(&body).map_err(|_| {
                    Refused::Client(Setback::unusable("the reply is not a JSON-RPC message"))
                })?;
                Ok(StreamableHttpPostResponse::Json(answer, session_id))
            }
            Form::Events => {
                let events = SseStream::new(self.wire.metered(response.into_body()).0);
                Ok(StreamableHttpPostResponse::Sse(events.boxed(), session_id))
            }
        }
    }
}

impl StreamableHttpClient for Handshake {
    type Error = Setback;

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
        let farewell = wire::request(Method::DELETE, &self.uri, headers, Outgoing::default());
        self.wire.send(farewell).await.map(drop).map_err(Refused::Client)
    }

    /// Nothing that an agent says outside of a call concerns the mesh, so no connection is held open for it.
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

/// An agent that refuses to be asked what it speaks speaks an older revision; rmcp then initialises the older way.
fn speaks_older(
    message: &ClientJsonRpcMessage,
    setback: &Setback,
) -> Option<StreamableHttpPostResponse> {
    let JsonRpcMessage::Request(JsonRpcRequest {
        request: ClientRequest::DiscoverRequest(_),
        id,
        ..
    }) = message
    else {
        return None;
    };
    match setback {
        Setback::Status { code: 401 | 403 | 429, .. } => None,
        Setback::Status { code: 400..=501, .. } => Some(refusal(id)),
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
