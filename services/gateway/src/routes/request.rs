//! `POST /request`: a message and its answer, in one body or as a stream.

mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use proto::v1::turn_event::Event;
use tokio::sync::oneshot;

use super::raw;
use crate::budget_headers;
use crate::extract::{Caller, Chat, Json, header_text};
use crate::front::Front;
use crate::identity::Nameless;
use crate::message::{self, Message};
use crate::middleware::outer::REQUEST_ID;
use crate::problem::Problem;
use crate::turn::{Listener, Step, Turn};

const REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// Works on a message.
pub(crate) async fn request(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    headers: HeaderMap,
    Json(body): Json,
) -> Response {
    match prepare(&front, &caller, &headers, &body).await {
        Ok(turn) if wants_stream(&headers) => stream::answer(&front, turn, &headers).await,
        Ok(turn) => answer(&front, turn).await,
        Err(problem) => {
            if problem.status() == StatusCode::BAD_REQUEST {
                tracing::info!(
                    audit = true,
                    event_type = "security.invalid_input",
                    request_id = caller.request_id,
                    tenant = caller.principal.tenant,
                    outcome = "failure",
                    failure_reason = problem.code(),
                    "a request breaks a rule"
                );
            }
            problem.into_response()
        }
    }
}

/// The turn that a request asks for.
async fn prepare(
    front: &Front,
    caller: &Caller<Chat>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Turn, Problem> {
    let mut message = Message::parse(body)?;
    let nameless =
        if front.config.allow_anonymous { Nameless::Anonymous } else { Nameless::Refused };
    let identity = caller.acting(message.claims.clone(), nameless)?;
    let request_id = match header_text(headers, "idempotency-key") {
        Some(key) if message::is_reference(key) => {
            message::idempotent_id(&caller.principal.tenant, &identity.user_id, key)
        }
        Some(_) => {
            let rule = "has 1 to 128 letters, digits, dots, dashes, colons or underscores";
            return Err(Problem::invalid_field("Idempotency-Key", rule));
        }
        None => caller.request_id.clone(),
    };
    if message.entry_point == "slack"
        && let (Some(slack), Some(user)) = (&front.slack, &message.claims.slack_user_id)
    {
        let profile =
            slack.profile(user).await.map_err(|problem| problem.of_request(&request_id))?;
        message.claims.employee_id = profile.employee_id.or(message.claims.employee_id);
        message.display_name = profile.name.or(message.display_name);
    }
    Ok(Turn::new(&caller.principal, &identity, request_id, message))
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepts.flat_map(|list| list.split(','));
    kinds.any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

/// Waits for the end of a turn, whose caller may go away without ending it.
struct Ending(Option<oneshot::Sender<Step>>);

impl Listener for Ending {
    fn hear(&mut self, step: Step) {
        if step.is_last()
            && let Some(sender) = self.0.take()
        {
            let _ = sender.send(step);
        }
    }
}

async fn answer(front: &Arc<Front>, turn: Turn) -> Response {
    let request_id = turn.request_id().to_owned();
    let (sender, ending) = oneshot::channel();
    if let Err(problem) = turn.start(front, Ending(Some(sender))) {
        return problem.of_request(&request_id).into_response();
    }
    let mut response = match ending.await {
        Ok(step) => of_ending(step, &request_id),
        // The turn panicked.
        Err(_) => Problem::new("internal").of_request(&request_id).into_response(),
    };
    response.headers_mut().extend(id_header(&request_id));
    response
}

/// The response to a turn that has ended.
fn of_ending(step: Step, request_id: &str) -> Response {
    let (event, replay) = match step {
        Step::Event(event, _) => (event.event, event.replay),
        Step::Failure(problem) => return problem.of_request(request_id).into_response(),
    };
    let mut response = match event {
        Some(Event::Result(result)) => {
            let mut response = raw(StatusCode::OK, result.body_json);
            if let Some(budget) = &result.budget {
                budget_headers::write(budget, response.headers_mut());
            }
            response
        }
        Some(Event::Error(error)) => {
            Problem::of_turn(&error).of_request(request_id).into_response()
        }
        _ => Problem::new("internal").of_request(request_id).into_response(),
    };
    if replay {
        response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
    }
    response
}

fn id_header(request_id: &str) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(request_id).ok()?;
    Some((HeaderName::from_static(REQUEST_ID), value))
}
