//! The mesh as an agent of others: A2A 1.0 over JSON-RPC.
//!
//! A message is answered with a message. Tasks are not kept, so whoever asks for one hears that there is none, and nothing
//! is streamed. What a message means is decided as for any other interface.

pub(crate) mod card;
#[cfg(test)]
mod fuzz;
mod message;
mod refusal;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::message::Sent;
use self::refusal::{Fault, Refusal};
use super::answer::{Ended, Said, ended, mark, result_of};
use super::{ok, request};
use crate::budget_headers;
use crate::envelope::Envelope;
use crate::extract::{Caller, Chat, Json, Query, header_text};
use crate::front::Front;
use crate::identity::{Claims, Nameless};
use crate::message::is_reference;
use crate::openapi::answer::RpcResponse;
use crate::openapi::body::RpcMessage;
use crate::turn::Turn;

/// Where other agents send messages.
pub(crate) const PATH: &str = "/a2a";
/// The version that is spoken.
const VERSION: &str = "1.0";
const VERSION_NAME: &str = "A2A-Version";
const KEY_HEADER: &str = "idempotency-key";

/// A call of the Agent2Agent protocol 1.0: `SendMessage` is answered with a message. Its `contextId` is the session; a message
/// without one begins a session. Its `messageId` is the idempotency key, unless a header gives another.
#[utoipa::path(post, path = PATH, operation_id = "a2a", tag = "chat",
    params(
        ("A2A-Version" = String, Header, pattern = r"^1\.0(\.[0-9]+)?$",
            description = "The version that the client speaks; it may also stand in the query."),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[A-Za-z0-9._:-]{1,128}$",
            description = "Under the same key a repeat gets the stored answer.")),
    request_body = RpcMessage,
    responses((status = 200, description = "The result, or the error of the protocol.", body = RpcResponse)))]
pub(crate) async fn call(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    parts: Parts,
    Json(body): Json,
) -> Response {
    let envelope = match Envelope::parse(&body) {
        Ok(envelope) => envelope,
        Err(refusal) => return failed(&Value::Null, &Refusal::from(refusal)),
    };
    let Some(id) = envelope.id() else {
        return failed(&Value::Null, &Refusal::from(Fault::Request));
    };
    if !is_spoken(&parts) {
        return failed(id, &Refusal::from(Fault::Version));
    }
    match envelope.method() {
        "SendMessage" => match turn_of(&front, &caller, parts.headers, envelope.params()).await {
            Ok(turn) => answer(&front, turn, id).await,
            Err(refusal) => failed(id, &refusal),
        },
        "ListTasks" => {
            let none = json!({"tasks": [], "nextPageToken": "", "pageSize": 0, "totalSize": 0});
            answered(id, &none)
        }
        method => failed(id, &Refusal::from(unserved(method))),
    }
}

/// Whether the client speaks our version. Patches of it are alike, and who names none speaks an older one.
fn is_spoken(parts: &Parts) -> bool {
    let header = header_text(&parts.headers, VERSION_NAME).map(str::to_owned);
    let version = header.or_else(|| Query::of(parts).take(VERSION_NAME)).unwrap_or_default();
    let patch = version.strip_prefix(VERSION);
    patch.is_some_and(|patch| patch.is_empty() || patch.starts_with('.'))
}

/// Why a method is not served.
fn unserved(method: &str) -> Fault {
    match method {
        "GetTask" | "CancelTask" => Fault::Task,
        "SendStreamingMessage" | "SubscribeToTask" | "GetExtendedAgentCard" => Fault::Operation,
        method if method.contains("PushNotificationConfig") => Fault::Push,
        _ => Fault::Method,
    }
}

/// The turn that a message asks for.
async fn turn_of(
    front: &Front,
    caller: &Caller<Chat>,
    headers: HeaderMap,
    params: Option<&RawValue>,
) -> Result<Turn, Refusal> {
    let sent = Sent::read(params).inspect_err(|refusal| note(caller, refusal))?;
    let Sent { message_id, mut message } = sent;
    if message.claims == Claims::default() {
        let identity = caller.acting(Claims::default(), Nameless::Key)?;
        message.claims = Claims::of_user(Some(identity.user_id));
    }
    let headers = keyed(headers, &message_id);
    let mut turn = request::turn_of(front, caller, &headers, Ok(message)).await?;
    // Agents that share a key may speak for many people, whose conversations must not become one.
    turn.request.session_ref.get_or_insert(turn.request_id().to_owned());
    Ok(turn)
}

fn note(caller: &Caller<Chat>, refusal: &Refusal) {
    if let Some(problem) = refusal.problem()
        && problem.status() == StatusCode::BAD_REQUEST
    {
        request::note_invalid(caller, problem);
    }
}

/// Who repeats a message repeats its id.
fn keyed(mut headers: HeaderMap, message_id: &str) -> HeaderMap {
    if is_reference(message_id)
        && !headers.contains_key(KEY_HEADER)
        && let Ok(key) = HeaderValue::from_str(message_id)
    {
        headers.insert(KEY_HEADER, key);
    }
    headers
}

async fn answer(front: &Arc<Front>, turn: Turn, id: &Value) -> Response {
    let context = turn.request.session_ref.clone().unwrap_or_default();
    let Ended { request_id, step } = ended(front, turn).await;
    let replay = step.is_replay();
    let result = result_of(step).and_then(|result| Ok((Said::of(&result)?, result.budget)));
    let mut response = match result {
        Ok((said, budget)) => {
            let reply = message::reply(&request_id, &context, &said);
            let mut response = answered(id, &json!({"message": reply}));
            if let Some(budget) = &budget {
                budget_headers::write(budget, response.headers_mut());
            }
            response
        }
        Err(problem) => failed(id, &Refusal::from(problem.of_request(&request_id))),
    };
    mark(response.headers_mut(), &request_id, replay);
    response
}

fn answered(id: &Value, result: &Value) -> Response {
    ok(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn failed(id: &Value, refusal: &Refusal) -> Response {
    ok(&json!({"jsonrpc": "2.0", "id": id, "error": refusal.error()}))
}
