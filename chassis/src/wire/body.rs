//! The bodies of requests and answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::WireError;

/// Whether a request has gone out: from then on it may have run.
pub type Sent = Arc<AtomicBool>;

/// The body of a request, which says when it is taken to be sent.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Option<Bytes>,
    sent: Sent,
}

impl Outgoing {
    /// A body that notes in `sent` when it goes out.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, sent: Sent) -> Self {
        Self { bytes: Some(bytes.into()), sent }
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent.clone()
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
#[derive(Debug)]
pub struct Metered {
    body: Incoming,
    meter: Arc<AtomicUsize>,
    max: usize,
}

impl Metered {
    pub(super) fn new(body: Incoming, meter: Arc<AtomicUsize>, max: usize) -> Self {
        Self { body, meter, max }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        let lost =
            |error: hyper::Error| WireError::Lost { cause: error.to_string(), was_sent: true };
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context)).transpose();
        let Some(frame) = frame.map_err(lost)? else {
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let read = self.meter.fetch_add(length, Ordering::Relaxed) + length;
        let is_too_large = self.max < read;
        Poll::Ready(Some(if is_too_large { Err(WireError::TooLarge(self.max)) } else { Ok(frame) }))
    }
}
