//! The answer to a message as a stream of its events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _, stream};
use http::HeaderMap;
use proto::v1::{Context, ListSessionsRequest};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::extract::{call, header_text};
use crate::fanout::{Owner, Subscription};
use crate::frame::{Frame, Marks};
use crate::front::Front;
use crate::resolve::session_of;
use crate::routes::answer::{Begun, begun, mark, of_ending, start};
use crate::sse::{heartbeat, of_frame};
use crate::turn::{Step, Turn};

/// What events that are still on their way get, once the router has told the end.
const STRAGGLER_LIMIT: Duration = Duration::from_millis(250);

/// Answers with the events of the turn once it is accepted; what fails before that is a plain error.
pub(super) async fn answer(front: &Arc<Front>, turn: Turn, headers: &HeaderMap) -> Response {
    let request_id = turn.request_id().to_owned();
    let past = past(front, &turn, headers).await;
    let steps = match start(front, turn) {
        Ok(steps) => steps,
        Err(problem) => return problem.of_request(&request_id).into_response(),
    };
    if let Some(subscription) = past {
        let resumed = Resumed { subscription, steps, request_id: request_id.clone(), end: None };
        return respond(resumed.into_stream(), &request_id, false);
    }
    match begun(request_id, steps).await {
        Ok(Begun { request_id, first, rest }) => {
            let (id, replay) = (request_id.clone(), first.is_replay());
            let steps = stream::iter([first]).chain(ReceiverStream::new(rest));
            let events = steps.filter_map(move |step| std::future::ready(told(&step, &id)));
            respond(events.map(Ok), &request_id, replay)
        }
        Err(failed) => of_ending(failed),
    }
}

fn respond<S>(events: S, request_id: &str, replay: bool) -> Response
where
    S: Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
{
    let mut response = Sse::new(events).keep_alive(heartbeat()).into_response();
    mark(response.headers_mut(), request_id, replay);
    response
}

fn told(step: &Step, request_id: &str) -> Option<sse::Event> {
    let frame = match step {
        Step::Event(event, _) => Frame::of_own_event(event)?,
        Step::Failure(problem) => {
            let marks = Marks { request_id: Some(request_id), ..Marks::default() };
            Frame::of_problem(problem, marks)
        }
    };
    Some(of_frame(&frame))
}

/// The kept events of this very turn, for a client that lost its stream and asks again.
async fn past(front: &Front, turn: &Turn, headers: &HeaderMap) -> Option<Subscription> {
    let last = header_text(headers, "last-event-id")?;
    let context = turn.request.context.as_ref().filter(|_| !turn.request.anonymous)?;
    if last.rsplit_once(':')?.0 != context.request_id {
        return None;
    }
    let session = match &turn.request.session_ref {
        Some(name) => session_of(front, context, name).await.ok()??,
        None => newest_session(front, context).await?,
    };
    let owner = Owner::new(&context.tenant, &context.user_id);
    let queue = front.config.sockets.queue_frames;
    let mut subscription = front.fanout.subscribe(&owner, &session, queue);
    front.fanout.resume(&mut subscription, &session, last).await.then_some(subscription)
}

async fn newest_session(front: &Front, context: &Context) -> Option<String> {
    let request = ListSessionsRequest {
        context: Some(context.clone()),
        status: "active".to_owned(),
        limit: 1,
        cursor: String::new(),
    };
    let list = front.peers.router().list_sessions(call(request)).await.ok()?.into_inner();
    list.sessions.into_iter().next().map(|session| session.session_id)
}

/// The rest of a turn: what was missed, then what comes, up to the end that the router tells in any case.
struct Resumed {
    subscription: Subscription,
    steps: mpsc::Receiver<Step>,
    request_id: String,
    end: Option<(Step, Instant)>,
}

impl Resumed {
    fn into_stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
        stream::unfold(Some(self), async |resumed| {
            let mut resumed = resumed?;
            let (event, is_last) = resumed.next().await?;
            Some((Ok(event), (!is_last).then_some(resumed)))
        })
    }

    async fn next(&mut self) -> Option<(sse::Event, bool)> {
        loop {
            let patience = self.end.as_ref().map(|(_, until)| *until);
            tokio::select! {
                biased;
                frame = self.subscription.next() => {
                    let frame = frame?;
                    if frame.request_id.as_deref() == Some(&self.request_id) {
                        return Some((of_frame(&frame), frame.is_last()));
                    }
                }
                () = tokio::time::sleep_until(patience.unwrap_or_else(Instant::now)),
                    if patience.is_some() => {
                    let (step, _) = self.end.take()?;
                    return Some((told(&step, &self.request_id)?, true));
                }
                Some(step) = self.steps.recv(), if patience.is_none() => {
                    if step.is_last() {
                        self.end = Some((step, Instant::now() + STRAGGLER_LIMIT));
                    }
                }
            }
        }
    }
}
