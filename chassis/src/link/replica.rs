//! One replica of a peer: an HTTP/2 connection and how busy it is.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tonic::body::Body;

use super::{Request, Response};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a silent connection is asked whether anyone is there, and how long the answer may take.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// An open connection to a replica.
pub(super) struct Replica {
    pub(super) address: SocketAddr,
    sender: SendRequest<Body>,
    running: Arc<AtomicUsize>,
}

/// Why a call has no answer.
pub(super) enum Setback {
    /// The connection was gone before the request went out: another replica may have it.
    Unsent(Box<Request>),
    /// It may have arrived.
    Lost(hyper::Error),
}

impl Replica {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        // It ends with the last handle and the last answer under way.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%address, %error, "a connection to a peer was lost");
            }
        });
        Ok(Self { address, sender, running: Arc::default() })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// How many calls it is answering for us.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    pub(super) async fn send(&self, request: Request) -> Result<Response, Setback> {
        let running = Running::begin(&self.running);
        match self.sender.clone().try_send_request(request).await {
            Ok(response) => Ok(response.map(|body| Body::new(Answer { body, _running: running }))),
            Err(mut error) => Err(match error.take_message() {
                Some(request) => Setback::Unsent(Box::new(request)),
                None => Setback::Lost(error.into_error()),
            }),
        }
    }
}

/// Counts a call for as long as it lives.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer: its call runs until the last byte is read.
struct Answer {
    body: Incoming,
    _running: Running,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
