//! Waiting for a turn, and the response to its end.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proto::v1::turn_event::Event;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use super::raw;
use crate::budget_headers;
use crate::front::Front;
use crate::middleware::outer::REQUEST_ID;
use crate::problem::Problem;
use crate::turn::{Listener, Step, Turn};

const REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// Hears the end of a turn alone.
struct Last(Option<oneshot::Sender<Step>>);

impl Listener for Last {
    fn hear(&mut self, step: Step) {
        if step.is_last()
            && let Some(sender) = self.0.take()
        {
            let _ = sender.send(step);
        }
    }
}

/// Passes every step on. Who does not keep up hears no more.
struct Every(Option<mpsc::Sender<Step>>);

impl Listener for Every {
    fn hear(&mut self, step: Step) {
        if self.0.as_ref().is_some_and(|sender| sender.try_send(step).is_err()) {
            self.0 = None;
        }
    }
}

/// A turn that has ended.
pub(super) struct Ended {
    pub(super) request_id: String,
    pub(super) step: Step,
}

/// A turn that was accepted: its first step and those to come.
pub(super) struct Begun {
    pub(super) request_id: String,
    pub(super) first: Step,
    pub(super) rest: mpsc::Receiver<Step>,
}

/// Waits for the end of a turn.
pub(super) async fn ended(front: &Arc<Front>, turn: Turn) -> Ended {
    let request_id = turn.request_id().to_owned();
    let (sender, last) = oneshot::channel();
    let step = match turn.start(front, Last(Some(sender))) {
        // Nothing comes from a turn that panicked.
        Ok(()) => last.await.unwrap_or_else(|_| Step::Failure(Problem::new("internal"))),
        Err(problem) => Step::Failure(problem),
    };
    Ended { request_id, step }
}

/// Starts a turn whose every step is to be heard.
pub(super) fn start(front: &Arc<Front>, turn: Turn) -> Result<mpsc::Receiver<Step>, Problem> {
    let (sender, steps) = mpsc::channel(front.config.sockets.queue_frames);
    turn.start(front, Every(Some(sender)))?;
    Ok(steps)
}

/// Waits until a turn is accepted; what fails before that has ended.
pub(super) async fn begun(
    request_id: String,
    mut steps: mpsc::Receiver<Step>,
) -> Result<Begun, Ended> {
    let first = steps.recv().await.unwrap_or_else(|| Step::Failure(Problem::new("internal")));
    let has_failed = match &first {
        Step::Event(event, _) => matches!(event.event, Some(Event::Error(_))),
        Step::Failure(_) => true,
    };
    if has_failed {
        return Err(Ended { request_id, step: first });
    }
    Ok(Begun { request_id, first, rest: steps })
}

/// The response to a turn that has ended.
pub(super) fn of_ending(ended: Ended) -> Response {
    let Ended { request_id, step } = ended;
    let replay = step.is_replay();
    let mut response = match result_of(step) {
        Ok(result) => {
            let mut response = raw(StatusCode::OK, result.body_json);
            if let Some(budget) = &result.budget {
                budget_headers::write(budget, response.headers_mut());
            }
            response
        }
        Err(problem) => problem.of_request(&request_id).into_response(),
    };
    mark(response.headers_mut(), &request_id, replay);
    response
}

/// What interfaces with answers of another shape tell of a result.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) r#type: String,
    pub(super) session_id: String,
    pub(super) agent_id: Option<String>,
    response: String,
    clarification_question: String,
    pub(super) workflow_complete: bool,
    pub(super) usage: Used,
}

/// What the agents have used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Used {
    pub(super) input_tokens: i64,
    pub(super) output_tokens: i64,
}

impl Said {
    /// Reads the body of a result.
    pub(super) fn of(result: &proto::v1::Result) -> Result<Self, Problem> {
        serde_json::from_str(&result.body_json).map_err(|error| {
            tracing::error!(%error, "a result cannot be read");
            Problem::new("internal")
        })
    }

    /// The answer, or the question that stands in its place.
    pub(super) fn text(&self) -> &str {
        if self.response.is_empty() { &self.clarification_question } else { &self.response }
    }
}

/// The result of the last step, or why there is none.
pub(crate) fn result_of(step: Step) -> Result<proto::v1::Result, Problem> {
    match step {
        Step::Event(event, _) => match event.event {
            Some(Event::Result(result)) => Ok(result),
            Some(Event::Error(error)) => Err(Problem::of_turn(&error)),
            _ => Err(Problem::new("internal")),
        },
        Step::Failure(problem) => Err(problem),
    }
}

/// Names the request, and says when its result was stored before.
pub(super) fn mark(headers: &mut HeaderMap, request_id: &str, replay: bool) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    if replay {
        headers.insert(REPLAY, HeaderValue::from_static("true"));
    }
}
