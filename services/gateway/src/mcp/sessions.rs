//! Conversations: made, read, ended and taken up again.

use proto::v1::{CloseSessionRequest, CreateSessionRequest, GetSessionRequest};
use serde::Serialize;

use super::argument::{Argument, Kind};
use super::call::{Call, Failure, Outcome, told};
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::extract::call as peer;
use crate::message::{LOCALE_CHARACTERS_MAX, REFERENCE_CHARACTERS_MAX};
use crate::problem::Problem;
use crate::routes::sessions::{ENDS, SUMMARY_CHARACTERS_MAX, resumed};
use crate::time::Time;
use crate::view;

const TEXT_CHARACTERS_MAX: usize = 256;
pub(super) const INTENT_CHARACTERS_MAX: usize = 200;
const ENTITIES_BYTES_MAX: usize = 64 << 10;

pub(super) const SESSION: Argument = Argument::required(
    "session_id",
    Kind::Text(REFERENCE_CHARACTERS_MAX),
    "The id of the session.",
);
pub(super) const USER: Argument = Argument::optional(
    "user_id",
    Kind::Text(TEXT_CHARACTERS_MAX),
    "Whose session it is. Without one the header X-User-Id counts, then the key itself.",
);
pub(super) const SUCCESS: Argument =
    Argument::required("success", Kind::Flag, "Whether it was done.");

pub(super) const TOOLS: [Tool; 5] = [CREATE, GET, STATUS, CLOSE, RESUME];

const CREATE: Tool = Tool {
    name: "create_session",
    title: "Make a session",
    about: "Makes a session without a message, for a conversation that began elsewhere. handle_message makes its own.",
    scope: Scope::Chat,
    per_minute: Some(120),
    effect: Effect::Adds,
    input: &[
        Argument::required("user_id", Kind::Text(TEXT_CHARACTERS_MAX), "The customer."),
        Argument::required(
            "employee_id",
            Kind::Text(TEXT_CHARACTERS_MAX),
            "The customer as agents know them.",
        ),
        Argument::required(
            "display_name",
            Kind::Text(TEXT_CHARACTERS_MAX),
            "How agents address the customer.",
        ),
        Argument::required(
            "detected_language",
            Kind::Text(LOCALE_CHARACTERS_MAX),
            "The language of the conversation as a BCP 47 tag.",
        ),
        Argument::required(
            "intent_summary",
            Kind::Text(INTENT_CHARACTERS_MAX),
            "What it is about, in a few words.",
        ),
        Argument::optional(
            "entities",
            Kind::Object(ENTITIES_BYTES_MAX),
            "Dates, amounts, order numbers and the like.",
        ),
    ],
    output: &[
        Argument::required("session_id", Kind::Text(0), "The id of the session."),
        Argument::required("status", Kind::Text(0), "active."),
        Argument::required("created_at", Kind::Text(0), "When it was made."),
    ],
    work: |call| Box::pin(create(call)),
};

const GET: Tool = Tool {
    name: "get_session",
    title: "Read a session",
    about: "Returns a session with its entries, the agent that serves it and that agent's state.",
    scope: Scope::Chat,
    per_minute: Some(600),
    effect: Effect::Nothing,
    input: &[SESSION, USER],
    output: &VIEW,
    work: |call| Box::pin(get(call)),
};

const STATUS: Tool = Tool {
    name: "get_session_status",
    title: "Look whether a session exists",
    about: "Returns a session like get_session, or the status not_found when there is none.",
    scope: Scope::Chat,
    per_minute: Some(600),
    effect: Effect::Nothing,
    input: &[SESSION, USER],
    output: &VIEW,
    work: |call| Box::pin(get_status(call)),
};

const VIEW: [Argument; 7] = [
    Argument::required("session_id", Kind::Text(0), "The id of the session."),
    Argument::required(
        "status",
        Kind::Text(0),
        "active, completed, abandoned or error; not_found when there is none.",
    ),
    Argument::optional("user_id", Kind::Text(0), "Whose it is."),
    Argument::optional("active_agent", Kind::TextOrNull, "The agent that serves it."),
    Argument::optional("workflow_state", Kind::Object(0), "The state of that agent."),
    Argument::optional("detected_language", Kind::Text(0), "The language of the conversation."),
    Argument::optional("turns", Kind::Objects, "What was said, oldest first."),
];

const CLOSE: Tool = Tool {
    name: "close_session",
    title: "End a session",
    about: "Ends a session. Closing it again changes nothing.",
    scope: Scope::Chat,
    per_minute: Some(120),
    effect: Effect::Replaces,
    input: &[
        SESSION,
        Argument::required("status", Kind::Choice(&ENDS), "How it ended."),
        Argument::optional("summary", Kind::Text(SUMMARY_CHARACTERS_MAX), "What came of it."),
        USER,
    ],
    output: &[SUCCESS, Argument::required("closed_at", Kind::Text(0), "When it ended.")],
    work: |call| Box::pin(close(call)),
};

const RESUME: Tool = Tool {
    name: "resume_session",
    title: "Take a session up again",
    about: "Makes a new session that goes on where an earlier one ended, with its entries, states and agent. Repeating it \
        returns the same new session.",
    scope: Scope::Chat,
    per_minute: Some(30),
    effect: Effect::Adds,
    input: &[
        Argument::required(
            "prior_session_id",
            Kind::Text(REFERENCE_CHARACTERS_MAX),
            "The id of the earlier session.",
        ),
        Argument::required("user_id", Kind::Text(TEXT_CHARACTERS_MAX), "Whose session it is."),
    ],
    output: &[
        Argument::required("new_session_id", Kind::Text(0), "The id of the new session."),
        Argument::required(
            "carried_forward_turns",
            Kind::Count,
            "The entries that it begins with.",
        ),
    ],
    work: |call| Box::pin(resume(call)),
};

async fn create(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Created {
        session_id: String,
        status: String,
        created_at: Time,
    }
    let mut given = call.given()?;
    let request = CreateSessionRequest {
        context: Some(call.context(given.some("user_id"))?),
        employee_id: given.text("employee_id"),
        display_name: given.text("display_name"),
        detected_language: given.text("detected_language"),
        intent_summary: given.text("intent_summary"),
        entities_json: given.object("entities"),
    };
    let session = call.front.peers.router().create_session(peer(request)).await?.into_inner();
    let (session_id, status) = (session.session_id, session.status);
    told(&Created { session_id, status, created_at: Time(session.created_ms) })
}

/// The session that the call names, if it is there for who asks.
async fn session(call: &Call, session_id: String) -> Result<view::Session, Failure> {
    let user_id = call.given()?.some("user_id");
    let (context, any_owner) = call.context_at_large(user_id)?;
    let context = Some(context);
    let request = GetSessionRequest { context, session_id, any_owner, by_reference: false };
    let session = call.front.peers.router().get_session(peer(request)).await?.into_inner();
    Ok(view::Session::of(session))
}

async fn get(call: Call) -> Outcome {
    let session_id = call.given()?.text("session_id");
    told(&session(&call, session_id).await?)
}

async fn get_status(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Missing {
        session_id: String,
        status: &'static str,
    }
    let session_id = call.given()?.text("session_id");
    match session(&call, session_id.clone()).await {
        Ok(session) => told(&session),
        Err(Failure::Tool(problem)) if is_missing(&problem) => {
            told(&Missing { session_id, status: "not_found" })
        }
        Err(failure) => Err(failure),
    }
}

fn is_missing(problem: &Problem) -> bool {
    problem.code() == "session_not_found"
}

async fn close(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Closed {
        success: bool,
        closed_at: Time,
    }
    let mut given = call.given()?;
    let session_id = given.text("session_id");
    let request = CloseSessionRequest {
        context: Some(call.context_of_session(&session_id, given.some("user_id")).await?),
        session_id,
        status: given.choice("status", &ENDS).to_owned(),
        summary: given.text("summary"),
    };
    let closed = call.front.peers.router().close_session(peer(request)).await?.into_inner();
    told(&Closed { success: true, closed_at: Time(closed.closed_ms) })
}

async fn resume(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Resumed {
        new_session_id: String,
        carried_forward_turns: i64,
    }
    let mut given = call.given()?;
    let context = call.context(given.some("user_id"))?;
    let resumed = resumed(&call.front, context, given.text("prior_session_id")).await?;
    let carried_forward_turns = resumed.carried_forward_turns;
    told(&Resumed { new_session_id: resumed.session_id, carried_forward_turns })
}
