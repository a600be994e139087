//! Reads an event stream until the answer of a call comes: passes on what the agent says meanwhile, answers what it
//! asks, and takes up the stream again where it broke off.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chassis::wire::{Metered, Outgoing, Sent, Wire, WireError};
use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Uri};
use hyper::body::Incoming;
use serde_json::json;
use sse_stream::{Error, SseStream};
use tokio::sync::mpsc;

use super::message::{self, Message};
use super::setback::Setback;

/// How often one stream is taken up again.
const RESUMPTIONS_MAX: u32 = 5;
/// How long to wait before that when the agent does not say.
const RESUME_AFTER: Duration = Duration::from_millis(100);
/// How long an agent has to end a stream after its answer; then the connection is closed.
const FINISH_LIMIT: Duration = Duration::from_millis(50);

/// The stream of one call.
pub(super) struct Stream<'a> {
    pub(super) wire: &'a Wire,
    pub(super) uri: &'a Uri,
    /// The headers of the session, for questions and for resuming.
    pub(super) headers: &'a HeaderMap,
    pub(super) id: i64,
    pub(super) deltas: &'a mpsc::Sender<String>,
}

/// Where a stream can be taken up again, and when.
#[derive(Default)]
struct Bookmark {
    last_event: Option<HeaderValue>,
    wait: Option<Duration>,
}

impl Stream<'_> {
    /// The result of the call, as it is written.
    pub(super) async fn answer(&self, body: Incoming) -> Result<String, Setback> {
        let mut body = body;
        let mut bookmark = Bookmark::default();
        let mut resumptions = 0;
        loop {
            let broken = match self.follow(body, &mut bookmark).await {
                Ok(answer) => return Ok(answer),
                Err(setback) => setback,
            };
            let Some(last_event) = bookmark.last_event.clone() else {
                return Err(broken);
            };
            if !matches!(broken, Setback::Lost { .. }) || RESUMPTIONS_MAX <= resumptions {
                return Err(broken);
            }
            resumptions += 1;
            tokio::time::sleep(bookmark.wait.unwrap_or(RESUME_AFTER)).await;
            let resumed = self.wire.resume(self.uri, self.headers.clone(), last_event).await;
            body = resumed.map_err(|_| broken)?.into_body();
        }
    }

    async fn follow(&self, body: Incoming, bookmark: &mut Bookmark) -> Result<String, Setback> {
        let (body, meter) = self.wire.metered(body);
        let mut events = SseStream::new(body);
        while let Some(event) = events.next().await {
            let event = event.map_err(setback)?;
            meter.store(0, Ordering::Relaxed);
            if let Some(Ok(id)) =
                event.id.as_deref().filter(|id| !id.is_empty()).map(HeaderValue::from_str)
            {
                bookmark.last_event = Some(id);
            }
            bookmark.wait = event.retry.map(Duration::from_millis).or(bookmark.wait);
            let data = event.data.unwrap_or_default();
            if data.trim().is_empty() {
                continue;
            }
            match message::read(&data, self.id)? {
                Message::Answer(result) => {
                    let result = result.to_owned();
                    finish(events);
                    return Ok(result);
                }
                Message::Progress(text) => drop(self.deltas.send(text).await),
                Message::Question { id, method } => self.respond(id, &method).await?,
                Message::Aside => {}
            }
        }
        Err(Setback::Lost {
            cause: "the event stream ended without an answer".to_owned(),
            was_sent: true,
        })
    }

    /// The mesh offers an agent nothing but a sign of life.
    async fn respond(&self, id: &str, method: &str) -> Result<(), Setback> {
        let outcome = match method {
            "ping" => r#""result":{}"#.to_owned(),
            _ => format!(r#""error":{}"#, json!({"code": -32601, "message": "method not found"})),
        };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#).into_bytes();
        let body = Outgoing::new(body, Sent::default());
        Ok(self.wire.post(self.uri, self.headers.clone(), body).await.map(drop)?)
    }
}

/// Reads on to the end of a stream without holding anybody up, so that its connection can be used again.
fn finish(mut events: SseStream<Metered>) {
    if let Some(None) = events.next().now_or_never() {
        return;
    }
    tokio::spawn(tokio::time::timeout(FINISH_LIMIT, async move {
        while let Some(Ok(_)) = events.next().await {}
    }));
}

fn setback(error: Error) -> Setback {
    match error {
        Error::Body(cause) => match cause.downcast::<WireError>() {
            Ok(error) => (*error).into(),
            Err(cause) => Setback::Lost { cause: cause.to_string(), was_sent: true },
        },
        other => Setback::unusable(other),
    }
}
