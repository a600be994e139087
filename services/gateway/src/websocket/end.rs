//! How a socket ends.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};

/// What a client gets to read the last frames.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// What a client gets to answer the close, during which its frames are passed over.
const LINGER_LIMIT: Duration = Duration::from_secs(2);

/// Why a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client went.
    Gone,
    /// It does not answer.
    Silent,
    /// It does not keep up.
    Slow,
    /// A frame is too large.
    Large,
    /// What it sends is no WebSocket.
    Unreadable,
    /// Too much of what it sends is not understood.
    Odd,
    /// The gateway ends.
    Shutdown,
}

impl End {
    fn code(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Gone => None,
            Self::Silent => Some((close_code::POLICY, "no pong")),
            Self::Slow => Some((close_code::AGAIN, "frames are not read")),
            Self::Large => Some((close_code::SIZE, "the frame is too large")),
            Self::Unreadable => Some((close_code::PROTOCOL, "the frame cannot be read")),
            Self::Odd => Some((close_code::POLICY, "too many invalid frames")),
            Self::Shutdown => Some((close_code::AWAY, "the service is shutting down")),
        }
    }
}

/// Tells the client why, and waits a moment for its own close, so that the reason is not lost with unread frames.
pub(super) async fn close(mut stream: WebSocket, end: End) {
    let Some((code, reason)) = end.code() else { return };
    let frame = CloseFrame { code, reason: reason.into() };
    let closed = tokio::time::timeout(CLOSE_LIMIT, stream.send(Message::Close(Some(frame)))).await;
    if let Ok(Ok(())) = closed {
        let answered = async {
            while let Some(Ok(raw)) = stream.recv().await {
                if matches!(raw, Message::Close(_)) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(LINGER_LIMIT, answered).await;
    }
}
