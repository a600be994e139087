//! The connection to the mesh. It connects again after a loss and goes on where it was.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::place::{Bookmark, Place};

/// How long one attempt to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Attempts to come back before the conversation ends.
const ATTEMPTS_MAX: u32 = 20;
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A frame of the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Frame {
    /// What it is.
    pub(super) r#type: String,
    /// What it says.
    pub(super) payload: Value,
    /// The turn that it belongs to.
    pub(super) request_id: Option<String>,
    /// Its place within the turn.
    pub(super) seq: Option<u64>,
    /// The session that it is about, once there is one.
    pub(super) session_id: Option<String>,
}

/// What comes over the wire.
#[derive(Debug)]
pub(super) enum News {
    /// A frame.
    Frame(Frame),
    /// The connection was lost; it is being made again.
    Lost,
    /// It is there again.
    Back,
}

/// A conversation that outlives its connections.
pub(super) struct Wire {
    place: Place,
    bookmark: Bookmark,
    stream: Option<Stream>,
    attempts: u32,
    /// The message that is not answered yet, as it was sent; the mesh takes it once, however often it comes.
    unanswered: Option<(String, String)>,
}

impl Wire {
    /// Connects; who is not let in hears why.
    pub(super) async fn open(place: Place, session: Option<String>) -> anyhow::Result<Self> {
        let bookmark = Bookmark { session, heard: None };
        let stream = Some(connect(&place, &bookmark).await?);
        Ok(Self { place, bookmark, stream, attempts: 0, unanswered: None })
    }

    /// Starts a turn.
    pub(super) async fn say(&mut self, request_id: &str, input: &str) {
        // The session stands in the frame, so that the same frame sent again is the same request.
        let session = &self.bookmark.session;
        let frame = json!({
            "type": "message", "input": input, "requestId": request_id, "sessionId": session,
        });
        let frame = frame.to_string();
        self.unanswered = Some((request_id.to_owned(), frame.clone()));
        self.send(frame).await;
    }

    /// Asks for the end of a turn, whose own error then tells that it has ended.
    pub(super) async fn cancel(&mut self, request_id: &str) {
        self.send(json!({"type": "cancel", "requestId": request_id}).to_string()).await;
    }

    /// What comes next. Cancelled, it loses nothing.
    pub(super) async fn next(&mut self) -> anyhow::Result<News> {
        let Some(stream) = &mut self.stream else { return self.come_back().await };
        loop {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Frame = serde_json::from_str(&text)
                        .context("the server sent a frame that is not one of the mesh")?;
                    self.mark(&frame);
                    return Ok(News::Frame(frame));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    self.stream = None;
                    return Ok(News::Lost);
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// A frame that cannot be sent is not lost: the connection is, which `next` finds.
    async fn send(&mut self, frame: String) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.send(Message::text(frame)).await;
        }
    }

    fn mark(&mut self, frame: &Frame) {
        if frame.r#type == "connected" {
            let named = frame.payload["resolvedSessionId"].as_str();
            let session = named.or(frame.payload["sessionId"].as_str());
            self.bookmark.session = session.map(str::to_owned);
        }
        if let Some(session) = &frame.session_id {
            self.bookmark.session = Some(session.clone());
        }
        if let (Some(request_id), Some(seq)) = (&frame.request_id, frame.seq) {
            self.bookmark.heard = Some((request_id.clone(), seq));
        }
        let is_end = frame.r#type == "result" || frame.r#type == "error";
        if is_end {
            self.unanswered.take_if(|(id, _)| Some(&*id) == frame.request_id.as_ref());
        }
    }

    async fn come_back(&mut self) -> anyhow::Result<News> {
        loop {
            let pause = PAUSE_MIN.saturating_mul(1 << self.attempts.min(16)).min(PAUSE_MAX);
            tokio::time::sleep(pause).await;
            self.attempts += 1;
            match connect(&self.place, &self.bookmark).await {
                Ok(stream) => break self.stream = Some(stream),
                Err(error) if ATTEMPTS_MAX <= self.attempts => return Err(error),
                Err(_) => {}
            }
        }
        self.attempts = 0;
        if let Some((_, frame)) = self.unanswered.clone() {
            self.send(frame).await;
        }
        Ok(News::Back)
    }
}

async fn connect(place: &Place, bookmark: &Bookmark) -> anyhow::Result<Stream> {
    let request = place.request(bookmark)?;
    let address = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    match tokio::time::timeout(CONNECT_LIMIT, connect_async(request)).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(Error::Http(response))) => {
            let body = response.body().as_deref().unwrap_or_default();
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            match (body["code"].as_str(), body["error"].as_str()) {
                (Some(code), Some(error)) => bail!("{code}: {error}"),
                _ => bail!("{address} answers with status {}", response.status()),
            }
        }
        Ok(Err(error)) => {
            Err(error).with_context(|| format!("no mesh can be reached at {address}"))
        }
        Err(_) => bail!("{address} does not answer within {} s", CONNECT_LIMIT.as_secs()),
    }
}
