//! The events of one turn on their way to whoever asked: numbered from 0, `accepted` first, one end last.

use std::time::Duration;

use proto::v1::TurnEvent;
use proto::v1::turn_event::Event;
use tokio::sync::mpsc;
use tonic::Status;

/// How many events may wait for a slow reader.
pub const QUEUE: usize = 256;
/// How long a turn waits for a reader that has stopped reading.
const READER_LIMIT: Duration = Duration::from_secs(5);

/// What the reader of a turn gets.
pub type Message = Result<TurnEvent, Status>;

/// The way to the reader of a turn. A reader that is gone changes nothing for the turn.
#[derive(Debug)]
pub struct Events {
    reader: Option<mpsc::Sender<Message>>,
    request_id: String,
    session_id: String,
    seq: u64,
    is_replay: bool,
}

impl Events {
    /// The events of a turn that runs now.
    #[must_use]
    pub fn new(reader: mpsc::Sender<Message>, request_id: &str, session_id: &str) -> Self {
        Self {
            reader: Some(reader),
            request_id: request_id.to_owned(),
            session_id: session_id.to_owned(),
            seq: 0,
            is_replay: false,
        }
    }

    /// From here on the events repeat what is stored.
    pub fn replay(&mut self) {
        self.is_replay = true;
    }

    /// Sends the next event.
    pub async fn emit(&mut self, event: Event) {
        let message = self.next(event);
        let Some(reader) = &self.reader else { return };
        if reader.send_timeout(Ok(message), READER_LIMIT).await.is_err() {
            self.reader = None;
        }
    }

    /// Sends a part of an answer, unless the reader is behind: the whole answer follows anyway.
    pub fn hint(&mut self, event: Event) {
        let Some(reader) = self.reader.clone().filter(|reader| 1 < reader.capacity()) else {
            return;
        };
        let message = self.next(event);
        let _ = reader.try_send(Ok(message));
    }

    /// Ends the stream with a status instead of an event.
    pub async fn refuse(&mut self, status: Status) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.send_timeout(Err(status), READER_LIMIT).await;
        }
    }

    fn next(&mut self, event: Event) -> TurnEvent {
        let seq = self.seq;
        self.seq += 1;
        TurnEvent {
            request_id: self.request_id.clone(),
            seq,
            session_id: self.session_id.clone(),
            replay: self.is_replay,
            event: Some(event),
        }
    }
}
