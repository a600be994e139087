//! HTTP to a server outside the mesh, at a checked address: requests whose fate is known, and bodies that are read up
//! to a limit. What rmcp needs of it to keep an MCP session stands in `mcp`.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::backoff;
use crate::clock;
use crate::connect::{self, Connector};

mod body;
mod mcp;

pub use self::body::{Metered, Outgoing, Sent};
pub use self::mcp::{Mcp, SESSION, outside_span};

const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const ONLY_EVENTS: HeaderValue = HeaderValue::from_static(EVENTS);

/// Kept connections.
#[derive(Clone, Debug)]
pub struct Wire {
    client: legacy::Client<Connector, Outgoing>,
    body_max_bytes: usize,
}

/// In which of the two forms a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Json,
    /// A stream of events.
    Events,
}

/// Why a request brought no answer that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Nothing was sent.
    #[error("no connection: {cause}")]
    Unconnected {
        /// What the network said.
        cause: String,
        /// Whether outbound protection forbids the target; trying again is pointless.
        is_forbidden: bool,
    },
    /// The connection ended before the answer did.
    #[error("connection lost: {cause}")]
    Lost {
        /// What the network said.
        cause: String,
        /// Whether the request had gone out, and so may have run.
        was_sent: bool,
    },
    /// The answer is no success.
    #[error("HTTP status {code}")]
    Status {
        /// The status.
        code: u16,
        /// How long the server wants to be left alone, if it says so.
        retry_after_ms: Option<i64>,
    },
    /// The answer is larger than the limit.
    #[error("the reply is larger than {0} bytes")]
    TooLarge(usize),
    /// The answer is in neither of the two forms.
    #[error("the reply is neither JSON nor an event stream")]
    Form,
    /// The answer is not what the protocol says.
    #[error("the reply is not a JSON-RPC message")]
    Message,
}

impl Wire {
    /// So many idle connections are kept, and so much of an answer is read.
    #[must_use]
    pub fn new(connector: Connector, connections: usize, body_max_bytes: usize) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(connections)
            .build(connector);
        Self { client, body_max_bytes }
    }

    /// Posts a JSON-RPC message. The answer is a success; every other status is an error.
    pub async fn post(
        &self,
        uri: &Uri,
        mut headers: HeaderMap,
        body: Outgoing,
    ) -> Result<Response<Incoming>, WireError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(ACCEPT, BOTH);
        settled(self.send(request(Method::POST, uri, headers, body)).await?)
    }

    /// Sends a request without judging the status of what comes back.
    pub async fn send(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, WireError> {
        let sent = request.body().sent();
        self.client.request(request).await.map_err(|error| failed(&error, &sent))
    }

    /// Opens the stream of events that follow one that was seen.
    pub async fn resume(
        &self,
        uri: &Uri,
        mut headers: HeaderMap,
        last_event: HeaderValue,
    ) -> Result<Response<Incoming>, WireError> {
        headers.insert(ACCEPT, ONLY_EVENTS);
        headers.insert("last-event-id", last_event);
        settled(self.send(request(Method::GET, uri, headers, Outgoing::default())).await?)
    }

    /// Reads a whole body, up to the limit.
    pub async fn whole(&self, body: Incoming) -> Result<Bytes, WireError> {
        let mut body = self.metered(body).0;
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => whole.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Err(error) => return Err(error),
            }
        }
        Ok(whole.freeze())
    }

    /// A body that breaks once more than the limit came in since its meter was last set back.
    #[must_use]
    pub fn metered(&self, body: Incoming) -> (Metered, Arc<AtomicUsize>) {
        let meter = Arc::new(AtomicUsize::new(0));
        (Metered::new(body, meter.clone(), self.body_max_bytes), meter)
    }
}

/// A request.
#[must_use]
pub fn request(method: Method, uri: &Uri, headers: HeaderMap, body: Outgoing) -> Request<Outgoing> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

/// In which form a body is.
pub fn form(headers: &HeaderMap) -> Result<Form, WireError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        kind if kind.eq_ignore_ascii_case(JSON) => Ok(Form::Json),
        kind if kind.eq_ignore_ascii_case(EVENTS) => Ok(Form::Events),
        _ => Err(WireError::Form),
    }
}

/// A success, or the error that its status is.
fn settled(response: Response<Incoming>) -> Result<Response<Incoming>, WireError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after_ms = value.and_then(|value| backoff::retry_after_ms(value, clock::now_ms()));
    Err(WireError::Status { code: response.status().as_u16(), retry_after_ms })
}

fn failed(error: &legacy::Error, sent: &Sent) -> WireError {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_connect() {
        return WireError::Unconnected { cause, is_forbidden: connect::refusal(error).is_some() };
    }
    WireError::Lost { cause, was_sent: sent.load(Ordering::Acquire) }
}
