//! HTTP to one agent: requests whose fate is known, and bodies that are read up to a limit.

use std::convert::Infallible;
use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chassis::clock;
use chassis::connect::{self, Connector};
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::backoff;
use super::setback::Setback;

const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const ONLY_EVENTS: HeaderValue = HeaderValue::from_static(EVENTS);

/// The name of the header that names an MCP session.
pub(super) const SESSION: &str = "mcp-session-id";

/// Kept connections to one agent.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: legacy::Client<Connector, Outgoing>,
    body_max_bytes: usize,
}

/// Whether a request has gone out: from then on it may have run.
pub(super) type Sent = Arc<AtomicBool>;

/// In which of the two forms a server answers.
pub(super) enum Form {
    Json,
    Events,
}

impl Wire {
    pub(super) fn new(connector: Connector, connections: usize, body_max_bytes: usize) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(connections)
            .build(connector);
        Self { client, body_max_bytes }
    }

    /// Posts a JSON-RPC message. The answer is a success; every other status is a setback.
    pub(super) async fn post(
        &self,
        uri: &Uri,
        mut headers: HeaderMap,
        body: Outgoing,
    ) -> Result<Response<Incoming>, Setback> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(ACCEPT, BOTH);
        settled(self.send(request(Method::POST, uri, headers, body)).await?)
    }

    /// Sends a request without judging the status of what comes back.
    pub(super) async fn send(
        &self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, Setback> {
        let sent = request.body().sent.clone();
        self.client.request(request).await.map_err(|error| failed(&error, &sent))
    }

    /// Opens the stream of events that follow one that was seen.
    pub(super) async fn resume(
        &self,
        uri: &Uri,
        mut headers: HeaderMap,
        last_event: HeaderValue,
    ) -> Result<Response<Incoming>, Setback> {
        headers.insert(ACCEPT, ONLY_EVENTS);
        headers.insert("last-event-id", last_event);
        settled(self.send(request(Method::GET, uri, headers, Outgoing::default())).await?)
    }

    /// Reads a whole body, up to the limit.
    pub(super) async fn whole(&self, body: Incoming) -> Result<Bytes, Setback> {
        let mut body = self.metered(body).0;
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => whole.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Err(broken) => return Err(broken.into()),
            }
        }
        Ok(whole.freeze())
    }

    /// A body that breaks once more than the limit came in since its meter was last set back.
    pub(super) fn metered(&self, body: Incoming) -> (Metered, Arc<AtomicUsize>) {
        let meter = Arc::new(AtomicUsize::new(0));
        (Metered { body, meter: meter.clone(), max: self.body_max_bytes }, meter)
    }
}

/// A request to an agent.
pub(super) fn request(
    method: Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Outgoing,
) -> Request<Outgoing> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

/// In which form a body is.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, Setback> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        kind if kind.eq_ignore_ascii_case(JSON) => Ok(Form::Json),
        kind if kind.eq_ignore_ascii_case(EVENTS) => Ok(Form::Events),
        _ => Err(Setback::unusable("the reply is neither JSON nor an event stream")),
    }
}

/// A success, or the setback that its status is.
pub(super) fn settled(response: Response<Incoming>) -> Result<Response<Incoming>, Setback> {
    if response.status().is_success() { Ok(response) } else { Err(setback(&response)) }
}

/// The setback that a status is; 404 is told from a lost session by who sent one.
pub(super) fn setback<B>(response: &Response<B>) -> Setback {
    let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after_ms = value.and_then(|value| backoff::retry_after_ms(value, clock::now_ms()));
    Setback::Status { code: response.status().as_u16(), retry_after_ms }
}

/// Whether a server of a session says that it knows it no more.
pub(super) fn is_gone(setback: &Setback) -> bool {
    matches!(setback, Setback::Status { code, .. } if *code == StatusCode::NOT_FOUND.as_u16())
}

fn failed(error: &legacy::Error, sent: &Sent) -> Setback {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_connect() {
        return Setback::Unconnected { cause, is_forbidden: connect::refusal(error).is_some() };
    }
    Setback::Lost { cause, was_sent: sent.load(Ordering::Acquire) }
}

/// The body of a request, which says when it is taken to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Option<Bytes>,
    sent: Sent,
}

impl Outgoing {
    pub(super) fn new(bytes: Vec<u8>, sent: Sent) -> Self {
        Self { bytes: Some(bytes.into()), sent }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

/// The body of a response, which breaks when it is too large.
pub(super) struct Metered {
    body: Incoming,
    meter: Arc<AtomicUsize>,
    max: usize,
}

/// Why the body of a response broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the reply is larger than {0} bytes")]
    TooLarge(usize),
    #[error(transparent)]
    Lost(#[from] hyper::Error),
}

impl From<Broken> for Setback {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TooLarge(_) => Self::unusable(broken),
            Broken::Lost(_) => Self::Lost { cause: broken.to_string(), was_sent: true },
        }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)).transpose()? else {
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let read = self.meter.fetch_add(length, Ordering::Relaxed) + length;
        let is_too_large = self.max < read;
        Poll::Ready(Some(if is_too_large { Err(Broken::TooLarge(self.max)) } else { Ok(frame) }))
    }
}
