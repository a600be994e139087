//! Sessions: look, close, resume, hand over.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use proto::v1::{
    CloseSessionRequest, Context, GetSessionRequest, ListSessionsRequest, ResumeSessionRequest,
    ResumeSessionResponse, TriggerHandoffRequest,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{json, ok};
use crate::extract::{Caller, Chat, OptionalJson, Path, Query, call};
use crate::fanout::{Owner, Publication};
use crate::fields::Fields;
use crate::front::Front;
use crate::openapi::{body, word};
use crate::problem::Problem;
use crate::time::Time;
use crate::view;

const LIST_MAX: i64 = 100;
const STATUSES: [&str; 4] = ["active", "completed", "abandoned", "error"];
pub(crate) const ENDS: [&str; 3] = ["completed", "abandoned", "error"];
pub(crate) const SUMMARY_CHARACTERS_MAX: usize = 5_000;
const REASON_CHARACTERS_MAX: usize = 500;
const SKILLS_MAX: usize = 50;
const TRIGGERS: [&str; 5] = [
    "specialist_required",
    "escalation_requested",
    "topic_boundary_crossed",
    "confidence_too_low",
    "load_balancing",
];
const POLICIES: [&str; 3] = ["strict", "best_effort", "hierarchical"];
const STRATEGIES: [&str; 3] = ["hybrid", "summary", "sliding_window"];

/// Sessions, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionList)]
pub(crate) struct List {
    sessions: Vec<view::Session>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    next_cursor: String,
}

/// A session that has ended.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionClosed)]
pub(crate) struct Closed {
    session_id: String,
    #[schema(value_type = word::SessionStatus)]
    status: String,
    closed_at: Time,
}

/// A session that goes on where another ended.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionResumed)]
pub(crate) struct Resumed {
    session_id: String,
    prior_session_id: String,
    carried_forward_turns: i64,
}

/// The sessions of a user, newest first.
#[utoipa::path(get, path = "/sessions", operation_id = "list_sessions", tag = "sessions",
    params(
        ("user_id" = Option<String>, Query, description = "Whose, when no header says it."),
        ("status" = Option<word::SessionStatus>, Query, description = "Only those."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "How many at most; 20 unless given."),
        ("cursor" = Option<String>, Query, description = "The next_cursor of the page before.")),
    responses((status = 200, description = "A page of sessions.", body = List)))]
pub(crate) async fn list(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    mut query: Query,
) -> Result<Response, Problem> {
    let status = |text: &str| {
        STATUSES.iter().find(|status| status.eq_ignore_ascii_case(text)).map(|s| (*s).to_owned())
    };
    let limit = |text: &str| text.parse().ok().filter(|limit| (1..=LIST_MAX).contains(limit));
    let request = ListSessionsRequest {
        context: Some(caller.context()?),
        status: query.parsed("status", status)?.unwrap_or_default(),
        limit: query.parsed("limit", limit)?.unwrap_or_default(),
        cursor: query.take("cursor").unwrap_or_default(),
    };
    let list = front.peers.router().list_sessions(call(request)).await?.into_inner();
    let sessions = list.sessions.into_iter().map(view::Session::of_summary).collect();
    Ok(ok(&List { sessions, next_cursor: list.next_cursor }))
}

/// A session with what was said in it.
#[utoipa::path(get, path = "/sessions/{id}", operation_id = "get_session", tag = "sessions",
    params(("id" = String, Path, description = "The id of the session.")),
    responses((status = 200, description = "The session.", body = view::Session), (status = 404, description = "session_not_found")))]
pub(crate) async fn get(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    path: Path,
) -> Result<Response, Problem> {
    let (context, any_owner) = caller.context_for_view()?;
    let request = GetSessionRequest {
        context: Some(context),
        session_id: path.one(),
        any_owner,
        by_reference: false,
    };
    let session = front.peers.router().get_session(call(request)).await?.into_inner();
    Ok(ok(&view::Session::of(session)))
}

/// Ends a session. Closing it again changes nothing.
#[utoipa::path(post, path = "/sessions/{id}/close", operation_id = "close_session", tag = "sessions",
    params(("id" = String, Path, description = "The id of the session.")),
    request_body = Option<body::Close>,
    responses(
        (status = 200, description = "It has ended.", body = Closed),
        (status = 404, description = "session_not_found"),
        (status = 409, description = "version_conflict")))]
pub(crate) async fn close(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    path: Path,
    OptionalJson(body): OptionalJson,
) -> Result<Response, Problem> {
    let mut fields = Fields::parse(&body)?;
    let status = fields.choice("status", &ENDS).unwrap_or_default().to_owned();
    let summary = fields.text_up_to("summary", SUMMARY_CHARACTERS_MAX).unwrap_or_default();
    let (status, summary) = fields.finish((status, summary))?;
    let context = Some(caller.context()?);
    let request = CloseSessionRequest { context, session_id: path.one(), status, summary };
    let closed = front.peers.router().close_session(call(request)).await?.into_inner();
    let closed_at = Time(closed.closed_ms);
    Ok(ok(&Closed { session_id: closed.session_id, status: closed.status, closed_at }))
}

/// Goes on with a session in a new one. Repeating it returns the same new session.
#[utoipa::path(post, path = "/sessions/{id}/resume", operation_id = "resume_session", tag = "sessions",
    params(("id" = String, Path, description = "The id of the session.")),
    responses(
        (status = 201, description = "The new session.", body = Resumed),
        (status = 404, description = "session_not_found"),
        (status = 409, description = "version_conflict")))]
pub(crate) async fn resume(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    path: Path,
) -> Result<Response, Problem> {
    let resumed = resumed(&front, caller.context()?, path.one()).await?;
    let body = Resumed {
        session_id: resumed.session_id,
        prior_session_id: resumed.prior_session_id,
        carried_forward_turns: resumed.carried_forward_turns,
    };
    Ok(json(StatusCode::CREATED, &body))
}

/// Resumes a session of the user. From now on the prior id denotes the new session, also for those who listen to it.
pub(crate) async fn resumed(
    front: &Front,
    context: Context,
    prior_session_id: String,
) -> Result<ResumeSessionResponse, Problem> {
    let owner = Owner::new(&context.tenant, &context.user_id);
    let request = ResumeSessionRequest { context: Some(context), prior_session_id };
    let resumed = front.peers.router().resume_session(call(request)).await?.into_inner();
    front.fanout.publish(Publication {
        owner,
        session_id: resumed.session_id.clone(),
        alias: Some(resumed.prior_session_id.clone()),
        frame: None,
        origin: None,
    });
    Ok(resumed)
}

/// Passes a session on to another agent, behind the messages that are being answered.
#[utoipa::path(post, path = "/sessions/{id}/handoff", operation_id = "hand_over", tag = "sessions",
    params(("id" = String, Path, description = "The id of the session.")),
    request_body = body::Handoff,
    responses(
        (status = 200, description = "What came of it; `success` says whether.", body = view::Handover),
        (status = 404, description = "session_not_found"),
        (status = 409, description = "session_closed or version_conflict"),
        (status = 504, description = "turn_timeout")))]
pub(crate) async fn hand_over(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    path: Path,
    OptionalJson(body): OptionalJson,
) -> Result<Response, Problem> {
    let mut fields = Fields::parse(&body)?;
    if !fields.has("reason") {
        fields.reject("reason", "is required");
    }
    let chosen = |choice: Option<&str>| choice.unwrap_or_default().to_owned();
    let request = TriggerHandoffRequest {
        context: None,
        session_id: path.one(),
        reason: fields.text_up_to("reason", REASON_CHARACTERS_MAX).unwrap_or_default(),
        target_agent: fields.text_up_to("target_agent", 64).unwrap_or_default(),
        required_skills: fields.texts("required_skills", SKILLS_MAX),
        trigger: chosen(fields.choice("trigger", &TRIGGERS)),
        summary: fields.text_up_to("summary", SUMMARY_CHARACTERS_MAX).unwrap_or_default(),
        policy: chosen(fields.choice("policy", &POLICIES)),
        strategy: chosen(fields.choice("strategy", &STRATEGIES)),
        include_history: fields.flag("include_history"),
        require_acceptance: fields.flag("require_acceptance"),
        any_owner: false,
    };
    let mut request = fields.finish(request)?;
    let (context, any_owner) = caller.context_for_view()?;
    (request.context, request.any_owner) = (Some(context), any_owner);
    // It queues behind running turns, and offers take their time.
    let request = chassis::link::within(request, front.config.turn_timeout);
    let handed = front.peers.router().trigger_handoff(request).await?.into_inner();
    Ok(ok(&view::Handover::of(handed)))
}
