//! What a session holds: its entries, and the state of its agent.

use proto::v1::{AppendTurnRequest, UpdateWorkflowStateRequest};
use serde::Serialize;
use serde_json::value::RawValue;

use super::argument::{Argument, Kind};
use super::call::{Call, Outcome, told};
use super::sessions::{INTENT_CHARACTERS_MAX, SESSION, SUCCESS, USER};
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::extract::call as peer;
use crate::view::object;

/// The router has the exact bounds of these two; here stands what a body may hold at all.
const CONTENT_CHARACTERS_MAX: usize = 1_048_576;
const STATE_BYTES_MAX: usize = 1 << 30;
const ROLES: [&str; 2] = ["user", "agent"];
const INTENT: Argument = Argument::optional(
    "intent_summary",
    Kind::Text(INTENT_CHARACTERS_MAX),
    "What it is about, in a few words.",
);

pub(super) const TOOLS: [Tool; 2] = [APPEND, UPDATE];

const APPEND: Tool = Tool {
    name: "append_turn",
    title: "Add an entry",
    about: "Adds what somebody said to a session, without asking an agent.",
    scope: Scope::Chat,
    per_minute: Some(600),
    effect: Effect::Adds,
    input: &[
        SESSION,
        Argument::required("role", Kind::Choice(&ROLES), "Who said it."),
        Argument::required("content", Kind::Text(CONTENT_CHARACTERS_MAX), "What was said."),
        INTENT,
        USER,
    ],
    output: &[
        SUCCESS,
        Argument::required("turn_count", Kind::Count, "The entries of the session."),
        Argument::required("ttl_refreshed", Kind::Flag, "Whether the session lives longer now."),
    ],
    work: |call| Box::pin(append(call)),
};

const UPDATE: Tool = Tool {
    name: "update_workflow_state",
    title: "Replace the state",
    about: "Replaces the state that the active agent of a session keeps. It is never merged.",
    scope: Scope::Chat,
    per_minute: Some(120),
    effect: Effect::Replaces,
    input: &[
        SESSION,
        Argument::required("workflow_state", Kind::Object(STATE_BYTES_MAX), "The whole new state."),
        USER,
    ],
    output: &[
        SUCCESS,
        Argument::required("previous_state", Kind::Object(0), "The state that was replaced."),
    ],
    work: |call| Box::pin(update(call)),
};

async fn append(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Appended {
        success: bool,
        turn_count: i64,
        ttl_refreshed: bool,
    }
    let mut given = call.given()?;
    let session_id = given.text("session_id");
    let request = AppendTurnRequest {
        context: Some(call.context_of_session(&session_id, given.some("user_id")).await?),
        session_id,
        role: given.choice("role", &ROLES).to_owned(),
        content: given.text("content"),
        intent_summary: given.text("intent_summary"),
        agent_id: String::new(),
    };
    let appended = call.front.peers.router().append_turn(peer(request)).await?.into_inner();
    told(&Appended {
        success: appended.success,
        turn_count: appended.turn_count,
        ttl_refreshed: appended.ttl_refreshed,
    })
}

async fn update(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Updated {
        success: bool,
        previous_state: Box<RawValue>,
    }
    let mut given = call.given()?;
    let session_id = given.text("session_id");
    let request = UpdateWorkflowStateRequest {
        context: Some(call.context_of_session(&session_id, given.some("user_id")).await?),
        session_id,
        workflow_state_json: given.object("workflow_state"),
    };
    let mut router = call.front.peers.router();
    let updated = router.update_workflow_state(peer(request)).await?.into_inner();
    let previous_state = object(updated.previous_state_json);
    told(&Updated { success: updated.success, previous_state })
}
