//! The HTTP client of offers: connects to checked addresses only, follows no redirect, reads bounded bodies.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chassis::connect::{self, Connector};
use futures::stream::BoxStream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};

use super::{Class, Refusal};
use crate::config::Offers;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const SESSION: &str = "mcp-session-id";

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1_048_576;
/// Idle connections kept for one host.
const IDLE_MAX: usize = 4;

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("no request can be made of the offer")]
    Request(#[from] http::Error),
    #[error("no request can be made of the offer")]
    Payload(#[from] serde_json::Error),
    #[error("the offer has {0} bytes, which is too much")]
    TooLarge(usize),
    #[error("no connection, or it was lost")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("the answer has status {0}")]
    Status(u16),
    #[error("the answer cannot be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HttpError {
    /// Whether another attempt may fare better.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connection(error) => connect::refusal(error).is_none(),
            Self::Status(status) => 500 <= *status,
            Self::Request(_) | Self::Payload(_) | Self::TooLarge(_) | Self::Body(_) => false,
        }
    }

    /// What it says of the candidate.
    pub(super) fn refusal(&self) -> Refusal {
        let class = match self {
            Self::Request(_) | Self::Payload(_) | Self::TooLarge(_) => Class::InvalidPayload,
            Self::Connection(_) => Class::Unavailable,
            Self::Status(status) => Class::of_status(*status),
            Self::Body(_) => Class::Unknown,
        };
        Refusal::new(class, self.to_string())
    }
}

/// A client that many offers share.
#[derive(Clone)]
pub(super) struct Http {
    client: Client<Connector, Full<Bytes>>,
    payload_bytes_max: usize,
    must_encrypt: bool,
}

impl Http {
    pub(super) fn new(settings: &Offers) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE_MAX)
            .build(Connector::new(settings.allowlist.clone()));
        let payload_bytes_max = settings.payload_bytes_max;
        Self { client, payload_bytes_max, must_encrypt: settings.must_encrypt }
    }

    /// Whether this URL may carry what customers said.
    pub(super) fn may_carry(&self, url: &str) -> bool {
        !self.must_encrypt || url.starts_with("https://")
    }

    /// Posts a JSON body and hands back a successful response.
    pub(super) async fn post(
        &self,
        url: &str,
        headers: HashMap<HeaderName, HeaderValue>,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, HttpError> {
        if self.payload_bytes_max < body.len() {
            return Err(HttpError::TooLarge(body.len()));
        }
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, format!("{JSON}, {EVENTS}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.client.request(request.body(Full::new(body.into()))?).await?;
        if !response.status().is_success() {
            return Err(HttpError::Status(response.status().as_u16()));
        }
        Ok(response)
    }
}

/// The whole body of a response, up to a bound.
pub(super) async fn read(response: Response<Incoming>) -> Result<Bytes, HttpError> {
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    Ok(body.collect().await.map_err(HttpError::Body)?.to_bytes())
}

type Mcp<T> = Result<T, StreamableHttpError<HttpError>>;

impl StreamableHttpClient for Http {
    type Error = HttpError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        mut headers: HashMap<HeaderName, HeaderValue>,
    ) -> Mcp<StreamableHttpPostResponse> {
        let is_request = matches!(message, ClientJsonRpcMessage::Request(_));
        let body = serde_json::to_vec(&message)?;
        if let Some(id) = session_id.as_ref().and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(HeaderName::from_static(SESSION), id);
        }
        let response = match self.post(&uri, headers, body).await {
            Err(HttpError::Status(404)) if session_id.is_some() => {
                return Err(StreamableHttpError::SessionExpired);
            }
            outcome => outcome.map_err(StreamableHttpError::Client)?,
        };
        if matches!(response.status(), StatusCode::ACCEPTED | StatusCode::NO_CONTENT) || !is_request
        {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let text = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (session_id, kind) = (text(SESSION), text(CONTENT_TYPE.as_str()));
        match kind.as_deref() {
            Some(kind) if kind.starts_with(EVENTS) => {
                let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
                let body = body.map_err(HttpError::Body);
                let events: BoxStream<'static, _> = Box::pin(SseStream::new(body));
                Ok(StreamableHttpPostResponse::Sse(events, session_id))
            }
            Some(kind) if kind.starts_with(JSON) => {
                let body = read(response).await.map_err(StreamableHttpError::Client)?;
                let message = serde_json::from_slice(&body)?;
                Ok(StreamableHttpPostResponse::Json(message, session_id))
            }
            _ => Err(StreamableHttpError::UnexpectedContentType(kind)),
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        _headers: HashMap<HeaderName, HeaderValue>,
    ) -> Mcp<()> {
        let request = Request::delete(uri.as_ref()).header(SESSION, session_id.as_ref());
        let request = request
            .body(Full::default())
            .map_err(|error| StreamableHttpError::Client(error.into()))?;
        let outcome = self.client.request(request).await;
        outcome.map(drop).map_err(|error| StreamableHttpError::Client(error.into()))
    }

    // An offer is one question and one answer, so nobody listens for what a server says by itself.
    async fn get_stream(
        &self,
        _uri: Arc<str>,
        _session_id: Option<Arc<str>>,
        _last_event_id: Option<String>,
        _auth_header: Option<String>,
        _headers: HashMap<HeaderName, HeaderValue>,
    ) -> Mcp<BoxStream<'static, Result<Sse, SseError>>> {
        Err(StreamableHttpError::ServerDoesNotSupportSse)
    }
}
