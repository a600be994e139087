use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::fanout::Outbox;
use crate::frame::{Frame, Marks};
use crate::turn::{Listener, Step};

/// The socket that a turn came from: it hears the events before they go out to others.
pub(super) struct Voice {
    pub(super) outbox: Outbox,
    pub(super) request_id: String,
    pub(super) begun: Option<oneshot::Sender<()>>,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Listener for Voice {
    fn hear(&mut self, step: Step) {
        self.begun = None;
        match step {
            Step::Event(_, Some(frame)) => self.outbox.push(frame),
            Step::Event(_, None) => {}
            Step::Failure(problem) => {
                let marks = Marks { request_id: Some(&self.request_id), ..Marks::default() };
                self.outbox.push(Arc::new(Frame::of_problem(&problem, marks)));
            }
        }
    }
}
