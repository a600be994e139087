//! One open socket, from its first frame to its last.

use std::sync::Arc;

use axum::extract::ws::{Message as Raw, WebSocket};
use futures::FutureExt as _;
use proto::v1::CancelTurnRequest;
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use uuid::Uuid;

use super::FRAME_BYTES_MAX;
use super::end::{CLOSE_LIMIT, End, close};
use super::inbound::{Inbound, Odd};
use super::voice::Voice;
use crate::extract::{Caller, Chat, call};
use crate::fanout::Subscription;
use crate::frame::{Frame, Marks};
use crate::front::Front;
use crate::identity::Identity;
use crate::message::Message;
use crate::middleware::admit::{ask_of, exhausted};
use crate::problem::Problem;
use crate::turn::Turn;

/// Frames that are not understood before the socket is closed.
const ODD_FRAMES_MAX: u32 = 20;
/// Turns that one socket may have running or waiting.
const TURNS_MAX: usize = 64;
/// Pings without an answer before the client counts as gone.
const MISSED_MAX: u32 = 2;

/// A client with its conversation.
pub(super) struct Socket {
    front: Arc<Front>,
    caller: Caller<Chat>,
    identity: Identity,
    subscription: Subscription,
    /// The session of messages that name none.
    name: String,
    turns: Arc<Semaphore>,
    /// Resolves when the latest turn has its place in the order.
    begun: Option<oneshot::Receiver<()>>,
    odd_frames: u32,
    missed: u32,
}

/// What a client is told first.
#[derive(Serialize)]
struct Connected<'a> {
    #[serde(rename = "sessionId")]
    session_id: &'a str,
    #[serde(rename = "resolvedSessionId")]
    resolved: Option<&'a str>,
}

impl Socket {
    pub(super) fn new(
        front: Arc<Front>,
        caller: Caller<Chat>,
        identity: Identity,
        subscription: Subscription,
    ) -> Self {
        Self {
            front,
            caller,
            identity,
            subscription,
            name: String::new(),
            turns: Arc::new(Semaphore::new(TURNS_MAX)),
            begun: None,
            odd_frames: 0,
            missed: 0,
        }
    }

    /// Serves the client until either side ends.
    pub(super) async fn serve(mut self, mut stream: WebSocket, name: &str, session: Option<&str>) {
        name.clone_into(&mut self.name);
        let connected = Connected { session_id: name, resolved: session };
        let payload = to_raw_value(&connected).expect("the first frame is JSON");
        let first = Frame::new("connected", Some(&payload), Marks::default());
        let end = match self.send(&mut stream, &first).await {
            Ok(()) => self.converse(&mut stream).await,
            Err(end) => end,
        };
        if end == End::Shutdown {
            let _ = tokio::time::timeout(CLOSE_LIMIT, self.say_goodbye(&mut stream)).await;
        }
        drop(self);
        close(stream, end).await;
    }

    async fn converse(&mut self, stream: &mut WebSocket) -> End {
        let every = self.front.config.sockets.ping_interval;
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (front, slow) = (self.front.clone(), self.subscription.slow());
        let mut closing = std::pin::pin!(front.drain.closing());
        loop {
            let done = tokio::select! {
                () = slow.cancelled() => Err(End::Slow),
                () = &mut closing => Err(End::Shutdown),
                _ = pings.tick() => self.ping(stream).await,
                frame = self.subscription.next() => match frame {
                    Some(frame) => self.send(stream, &frame).await,
                    None => Err(End::Shutdown),
                },
                raw = stream.recv() => match raw {
                    Some(Ok(raw)) => self.hear(stream, raw).await,
                    Some(Err(_)) => Err(End::Unreadable),
                    None => Err(End::Gone),
                },
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn send(&self, stream: &mut WebSocket, frame: &Frame) -> Result<(), End> {
        self.write(stream, Raw::Text(frame.text.clone())).await
    }

    /// Writes as far as the client reads; it must not keep the gateway.
    async fn write(&self, stream: &mut WebSocket, raw: Raw) -> Result<(), End> {
        let slow = self.subscription.slow();
        tokio::select! {
            biased;
            sent = stream.send(raw) => sent.map_err(|_| End::Gone),
            () = slow.cancelled() => Err(End::Slow),
            () = self.front.drain.closing() => Err(End::Shutdown),
        }
    }

    async fn ping(&mut self, stream: &mut WebSocket) -> Result<(), End> {
        if MISSED_MAX <= self.missed {
            return Err(End::Silent);
        }
        self.missed += 1;
        self.write(stream, Raw::Ping(bytes::Bytes::new())).await
    }

    async fn hear(&mut self, stream: &mut WebSocket, raw: Raw) -> Result<(), End> {
        self.missed = 0;
        let text = match raw {
            Raw::Close(_) => return Err(End::Gone),
            Raw::Ping(_) | Raw::Pong(_) => return Ok(()),
            Raw::Text(text) if FRAME_BYTES_MAX < text.len() => return Err(End::Large),
            Raw::Binary(bytes) if FRAME_BYTES_MAX < bytes.len() => return Err(End::Large),
            Raw::Text(text) => text,
            Raw::Binary(_) => {
                let problem = Problem::invalid_field("", "is not text");
                return self.refuse(stream, Odd { problem, request_id: None }).await;
            }
        };
        match Inbound::parse(&text) {
            Ok(Inbound::Ping) => self.send(stream, &Frame::bare("pong")).await,
            Ok(Inbound::Cancel { request_id }) => {
                self.cancel(request_id);
                Ok(())
            }
            Ok(Inbound::Message { message, request_id }) => {
                let request_id = request_id.unwrap_or_else(|| Uuid::new_v4().to_string());
                if let Err(problem) = self.start(*message, request_id.clone()).await {
                    let marks = Marks { request_id: Some(&request_id), ..Marks::default() };
                    return self.send(stream, &Frame::of_problem(&problem, marks)).await;
                }
                Ok(())
            }
            Err(odd) => self.refuse(stream, odd).await,
        }
    }

    async fn refuse(&mut self, stream: &mut WebSocket, odd: Odd) -> Result<(), End> {
        self.odd_frames += 1;
        let marks = Marks { request_id: odd.request_id.as_deref(), ..Marks::default() };
        self.send(stream, &Frame::of_problem(&odd.problem, marks)).await?;
        if ODD_FRAMES_MAX <= self.odd_frames { Err(End::Odd) } else { Ok(()) }
    }

    /// Starts a turn, which waits until the one before it has its place in the order.
    async fn start(&mut self, mut message: Message, request_id: String) -> Result<(), Problem> {
        let principal = &self.caller.principal;
        if self.front.config.limits_rates {
            let verdicts = self.front.buckets.take(&[ask_of(&self.front, principal)]).await;
            let verdicts = verdicts.map_err(|_| Problem::new("dependency_unavailable"))?;
            if let Some(verdict) = verdicts.iter().find(|verdict| !verdict.is_allowed) {
                return Err(exhausted("key", &request_id, verdict));
            }
        }
        let permit = self.turns.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Problem::new("session_busy").retry_after(1))?;
        message.session_ref.get_or_insert_with(|| self.name.clone());
        let (begun, has_begun) = oneshot::channel();
        let mut turn = Turn::new(principal, &self.identity, request_id.clone(), message);
        turn.origin = Some(self.subscription.id());
        turn.after = self.begun.replace(has_begun);
        let outbox = self.subscription.outbox().clone();
        turn.start(&self.front, Voice { outbox, request_id, begun: Some(begun), _permit: permit })
    }

    /// Asks the router to end a turn, whose own error then tells whether it did.
    fn cancel(&self, request_id: String) {
        let context = Some(self.caller.context_of(&self.identity));
        let mut router = self.front.peers.router();
        self.front.drain.spawn_turn(async move {
            let request = CancelTurnRequest { context, request_id };
            if let Err(status) = router.cancel_turn(call(request)).await {
                tracing::warn!(code = ?status.code(), "a turn cannot be cancelled");
            }
        });
    }

    /// What is in the queue, then the last frame.
    async fn say_goodbye(&mut self, stream: &mut WebSocket) {
        while let Some(Some(frame)) = self.subscription.next().now_or_never() {
            if stream.send(Raw::Text(frame.text.clone())).await.is_err() {
                return;
            }
        }
        let _ = stream.send(Raw::Text(Frame::bare("shutdown").text)).await;
    }
}
