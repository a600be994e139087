//! `POST /request`: a message and its answer, in one body or as a stream.

mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};

use super::answer::{ended, of_ending};
use crate::extract::{Caller, Chat, Json, header_text};
use crate::front::Front;
use crate::identity::Nameless;
use crate::message::{self, Message};
use crate::openapi::answer::Reply;
use crate::openapi::body;
use crate::openapi::problem::OfTurn;
use crate::problem::Problem;
use crate::turn::Turn;

/// Answers a message of a customer, or asks back. With `Accept: text/event-stream` it streams what happens, each event as
/// in `/sse`.
#[utoipa::path(post, path = "/request", operation_id = "request", tag = "chat",
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[A-Za-z0-9._:-]{1,128}$",
        description = "Under the same key a repeat gets the stored answer.")),
    request_body = body::Message,
    responses(
        (status = 200, description = "The answer, or a question.",
            content((Reply = "application/json"), (String = "text/event-stream"))),
        OfTurn))]
pub(crate) async fn request(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    headers: HeaderMap,
    Json(body): Json,
) -> Response {
    match turn_of(&front, &caller, &headers, Message::parse(&body)).await {
        Ok(turn) if wants_stream(&headers) => stream::answer(&front, turn, &headers).await,
        Ok(turn) => of_ending(ended(&front, turn).await),
        Err(problem) => problem.into_response(),
    }
}

/// The turn that a message asks for, if nothing is wrong with either.
pub(crate) async fn turn_of<D>(
    front: &Front,
    caller: &Caller<D>,
    headers: &HeaderMap,
    message: Result<Message, Problem>,
) -> Result<Turn, Problem> {
    let turn = match message {
        Ok(message) => prepare(front, caller, headers, message).await,
        Err(problem) => Err(problem),
    };
    if let Err(problem) = &turn
        && problem.status() == StatusCode::BAD_REQUEST
    {
        note_invalid(caller, problem);
    }
    turn
}

/// Notes that a caller sent what breaks a rule.
pub(crate) fn note_invalid<D>(caller: &Caller<D>, problem: &Problem) {
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

async fn prepare<D>(
    front: &Front,
    caller: &Caller<D>,
    headers: &HeaderMap,
    mut message: Message,
) -> Result<Turn, Problem> {
    let nameless =
        if front.config.allow_anonymous { Nameless::Anonymous } else { Nameless::Refused };
    let identity = caller.acting(message.claims.clone(), nameless)?;
    let request_id = match header_text(headers, "idempotency-key") {
        Some(key) if message::is_reference(key) => {
            message::idempotent_id(&caller.principal.tenant, &identity.user_id, key)
        }
        Some(_) => {
            return Err(Problem::invalid_field("Idempotency-Key", message::REFERENCE_RULE));
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
