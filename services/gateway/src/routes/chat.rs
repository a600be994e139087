//! `POST /v1/chat/completions`: the mesh as a model, for front ends that speak to OpenAI.

pub(crate) mod models;

mod input;
mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::clock;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Ended, Said, Used, begun, ended, mark, result_of, start};
use super::{json, request};
use crate::budget_headers;
use crate::extract::{Caller, Chat, Json, header_text};
use crate::front::Front;
use crate::openapi::body::ChatRequest;
use crate::openapi::problem::OfTurn;
use crate::problem::Problem;

/// Where such front ends look.
pub(crate) const PATH: &str = "/v1/chat/completions";
const MODEL: &str = "mesh";
const SESSION: HeaderName = HeaderName::from_static("x-session-id");

/// An answer in the shape of OpenAI.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletion)]
pub(crate) struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'static str,
    #[schema(value_type = Vec<Choice<'static>>)]
    choices: [Choice<'a>; 1],
    usage: Usage,
}

/// The only choice.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatChoice)]
struct Choice<'a> {
    index: u32,
    message: Reply<'a>,
    finish_reason: &'static str,
}

/// What is said.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatReply)]
struct Reply<'a> {
    role: &'static str,
    content: &'a str,
}

/// What it took.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatUsage)]
struct Usage {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
}

/// Answers the last message of the user, in the shape of OpenAI's chat completions. A question of the mesh is the text of the
/// answer.
#[utoipa::path(post, path = PATH, operation_id = "chat_completions", tag = "chat",
    params(
        ("X-Session-Id" = Option<String>, Header, pattern = "^[A-Za-z0-9._:-]{1,128}$",
            description = "The session to go on with."),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[A-Za-z0-9._:-]{1,128}$",
            description = "Under the same key a repeat gets the stored answer.")),
    request_body = ChatRequest,
    responses(
        (status = 200, description = "The completion, or its chunks.",
            content((Completion<'static> = "application/json"), (String = "text/event-stream")),
            headers(("X-Session-Id" = String, description = "The session, to go on with."))),
        OfTurn))]
pub(crate) async fn complete(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    headers: HeaderMap,
    Json(body): Json,
) -> Response {
    let asked = input::parse(&body, header_text(&headers, SESSION.as_str()));
    let (message, wants_stream) = match asked {
        Ok(input::Asked { message, stream }) => (Ok(message), stream),
        Err(problem) => (Err(problem), false),
    };
    let turn = match request::turn_of(&front, &caller, &headers, message).await {
        Ok(turn) => turn,
        Err(problem) => return problem.into_response(),
    };
    if !wants_stream {
        return of_ending(ended(&front, turn).await);
    }
    let request_id = turn.request_id().to_owned();
    let steps = match start(&front, turn) {
        Ok(steps) => steps,
        Err(problem) => return problem.of_request(&request_id).into_response(),
    };
    match begun(request_id, steps).await {
        Ok(begun) => stream::respond(begun),
        Err(failed) => of_ending(failed),
    }
}

fn of_ending(ended: Ended) -> Response {
    let Ended { request_id, step } = ended;
    let replay = step.is_replay();
    let result = result_of(step).and_then(|result| Ok((Said::of(&result)?, result.budget)));
    let mut response = match result {
        Ok((said, budget)) => {
            let mut response = json(StatusCode::OK, &completion(&request_id, &said));
            let headers = response.headers_mut();
            if let Some(budget) = &budget {
                budget_headers::write(budget, headers);
            }
            headers.extend(session(&said.session_id));
            response
        }
        Err(problem) => problem.of_request(&request_id).into_response(),
    };
    mark(response.headers_mut(), &request_id, replay);
    response
}

fn completion<'a>(request_id: &str, said: &'a Said) -> Completion<'a> {
    let Used { input_tokens, output_tokens } = said.usage;
    let message = Reply { role: "assistant", content: said.text() };
    Completion {
        id: id(request_id),
        object: "chat.completion",
        created: clock::now_ms() / 1_000,
        model: MODEL,
        choices: [Choice { index: 0, message, finish_reason: "stop" }],
        usage: Usage {
            prompt_tokens: input_tokens,
            completion_tokens: output_tokens,
            total_tokens: input_tokens.saturating_add(output_tokens),
        },
    }
}

fn id(request_id: &str) -> String {
    format!("chatcmpl-{request_id}")
}

/// The header by which the next message finds its session.
fn session(session_id: &str) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(session_id).ok().filter(|value| !value.is_empty())?;
    Some((SESSION, value))
}

/// Whether who asks for this path reads failures as OpenAI writes them.
pub(crate) fn is_spoken_at(path: &str) -> bool {
    path == PATH || path == models::PATH
}

/// The body of a failure as such front ends read it.
pub(crate) fn error(problem: &Problem) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Error<'a>,
    }
    #[derive(Serialize)]
    struct Error<'a> {
        message: &'a str,
        r#type: &'a str,
        code: &'a str,
    }
    let r#type = match problem.status().as_u16() {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        429 => "rate_limit_error",
        status if status < 500 => "invalid_request_error",
        _ => "server_error",
    };
    let error = Error { message: &text(problem), r#type, code: problem.code() };
    serde_json::to_string(&Body { error }).expect("an error is JSON")
}

/// The fixed text with the rules that were broken, which have no other place there.
fn text(problem: &Problem) -> String {
    let rules = problem.details().iter().map(|rule| format!(" {}: {}.", rule.path, rule.message));
    std::iter::once(problem.message().to_owned()).chain(rules).collect()
}
