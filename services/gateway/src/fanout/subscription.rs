//! The listening end: a bounded queue that never makes the sender wait.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Owner, Stamp};
use super::hub::Hub;
use crate::frame::Frame;

/// A frame on its way to a listener.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) stamp: Option<Stamp>,
    pub(super) frame: Arc<Frame>,
}

/// The sending end of a listener's queue. A listener that does not keep up is cut off rather than waited for.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Delivery>,
    slow: CancellationToken,
}

impl Outbox {
    pub(super) fn new(queue: usize) -> (Self, mpsc::Receiver<Delivery>) {
        let (sender, receiver) = mpsc::channel(queue);
        (Self { sender, slow: CancellationToken::new() }, receiver)
    }

    /// Puts a frame into the queue that is for this listener alone.
    pub(crate) fn push(&self, frame: Arc<Frame>) {
        self.deliver(Delivery { stamp: None, frame });
    }

    /// Whether it fitted.
    pub(super) fn deliver(&self, delivery: Delivery) -> bool {
        if self.slow.is_cancelled() {
            return false;
        }
        match self.sender.try_send(delivery) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.slow.cancel();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

/// A place among the listeners, given up when dropped.
pub(crate) struct Subscription {
    id: u64,
    owner: Owner,
    outbox: Outbox,
    receiver: mpsc::Receiver<Delivery>,
    backlog: VecDeque<Arc<Frame>>,
    /// The newest event of each replica that the backlog has.
    seen: HashMap<Arc<str>, u64>,
    hub: Arc<Hub>,
}

impl Subscription {
    pub(super) fn new(
        id: u64,
        owner: Owner,
        (outbox, receiver): (Outbox, mpsc::Receiver<Delivery>),
        hub: Arc<Hub>,
    ) -> Self {
        let (backlog, seen) = (VecDeque::new(), HashMap::new());
        Self { id, owner, outbox, receiver, backlog, seen, hub }
    }

    /// Names this listener as the origin of what it hears anyway.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The sending end of its queue.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The signal that this listener does not keep up.
    pub(crate) fn slow(&self) -> CancellationToken {
        self.outbox.slow.clone()
    }

    /// The next frame. Nothing may be lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Arc<Frame>> {
        if let Some(frame) = self.backlog.pop_front() {
            return Some(frame);
        }
        loop {
            let delivery = self.receiver.recv().await?;
            let is_known = |stamp: &Stamp| {
                self.seen.get(&stamp.replica).is_some_and(|newest| stamp.number <= *newest)
            };
            if !delivery.stamp.as_ref().is_some_and(is_known) {
                return Some(delivery.frame);
            }
        }
    }

    /// Puts the kept events after this one before the live ones, and drops the live ones that are among them. An id that
    /// is not kept changes nothing. Whether it was.
    pub(super) fn resume(&mut self, id: &str, kept: Vec<Arc<Event>>) -> bool {
        let is_it = |event: &Arc<Event>| {
            event.publication.frame.as_ref().and_then(|frame| frame.id()).as_deref() == Some(id)
        };
        let Some(at) = kept.iter().rposition(is_it) else { return false };
        for event in &kept {
            let newest = self.seen.entry(event.stamp.replica.clone()).or_default();
            *newest = event.stamp.number.max(*newest);
        }
        let frames = kept.into_iter().skip(at + 1);
        self.backlog = frames.filter_map(|event| event.publication.frame.clone()).collect();
        true
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.unsubscribe(self.id);
    }
}
