//! A customer's message and its answer.

use proto::v1::turn_event::Event;
use rmcp::model::ProgressNotificationParam;
use tokio::sync::{mpsc, oneshot};

use super::argument::{Argument, Kind};
use super::call::{Call, Failure, Outcome, Progress};
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::fields::Fields;
use crate::identity::Claims;
use crate::message::{
    INPUT_CHARACTERS_MAX, LOCALE_CHARACTERS_MAX, METADATA_BYTES_MAX, Message, Names,
    REFERENCE_CHARACTERS_MAX,
};
use crate::problem::Problem;
use crate::routes::answer::result_of;
use crate::routes::request::turn_of;
use crate::turn::{Listener, Step};

/// Parts of an answer that wait to be told; what is beyond is left out, since the result has all of it.
const PARTS_MAX: usize = 256;

pub(super) const TOOLS: [Tool; 1] = [Tool {
    name: "handle_message",
    title: "Answer a customer",
    about: "Sends a customer's message to the agent that can answer it and returns the answer, or the question that the \
        mesh asks back when it is not sure. Say the next message with the same user and it goes on in the same session. \
        With a progress token, the parts of the answer come as progress notifications.",
    scope: Scope::Chat,
    per_minute: Some(120),
    effect: Effect::Adds,
    input: &[
        Argument::optional(
            "input",
            Kind::Text(INPUT_CHARACTERS_MAX),
            "What the customer says. Required, unless raw_input is there.",
        ),
        Argument::optional("raw_input", Kind::Text(INPUT_CHARACTERS_MAX), "Another name of input."),
        Argument::optional(
            "user_id",
            Kind::Text(256),
            "The customer. Without one the key itself is the customer.",
        ),
        Argument::optional(
            "employee_id",
            Kind::Text(256),
            "The customer by another name, when there is no user_id.",
        ),
        Argument::optional(
            "session_id",
            Kind::Text(REFERENCE_CHARACTERS_MAX),
            "The session to go on with: an id of the mesh, or a name of your own. Without one it is the latest.",
        ),
        Argument::optional(
            "detected_language",
            Kind::Text(LOCALE_CHARACTERS_MAX),
            "The language of the input as a BCP 47 tag, when you know it.",
        ),
        Argument::optional(
            "metadata",
            Kind::Object(METADATA_BYTES_MAX),
            "Passed on to the agent unchanged.",
        ),
    ],
    output: &[
        Argument::required("type", Kind::Text(0), "answer or clarification."),
        Argument::required("request_id", Kind::Text(0), "The id of this turn."),
        Argument::required("session_id", Kind::Text(0), "The session, to go on with."),
        Argument::required(
            "session_new",
            Kind::Flag,
            "Whether the session was made for this message.",
        ),
        Argument::optional("agent_id", Kind::Text(0), "Who answered."),
        Argument::optional("response", Kind::Text(0), "What the agent answered."),
        Argument::optional(
            "workflow_complete",
            Kind::Flag,
            "Whether the matter is closed, and the session with it.",
        ),
        Argument::optional("classification", Kind::Object(0), "intent, confidence and language."),
        Argument::optional("routing", Kind::Object(0), "action and reason."),
        Argument::optional("handoffs", Kind::Objects, "Agents that passed the message on."),
        Argument::optional("usage", Kind::Object(0), "What the answer cost."),
        Argument::optional("budget", Kind::Object(0), "What is left to spend."),
        Argument::optional("clarification_question", Kind::Text(0), "What to ask the customer."),
        Argument::optional("candidate_agents", Kind::Texts, "Who could answer."),
        Argument::optional("duration_ms", Kind::Count, "How long it took."),
    ],
    work: |call| Box::pin(handle_message(call)),
}];

/// Hears the parts of an answer and its end. The turn never waits for it.
struct Ear {
    parts: mpsc::Sender<String>,
    last: Option<oneshot::Sender<Step>>,
}

impl Listener for Ear {
    fn hear(&mut self, step: Step) {
        if step.is_last() {
            if let Some(last) = self.last.take() {
                let _ = last.send(step);
            }
        } else if let Step::Event(event, _) = step
            && let Some(Event::Delta(delta)) = event.event
        {
            let _ = self.parts.try_send(delta.text);
        }
    }
}

async fn handle_message(call: Call) -> Outcome {
    let message = message(&call)?;
    let turn = turn_of(&call.front, &call.caller, &call.headers, Ok(message)).await?;
    let request_id = turn.request_id().to_owned();
    let of_turn = |problem: Problem| problem.of_request(&request_id);
    let (sender, parts) = mpsc::channel(PARTS_MAX);
    let (last, ended) = oneshot::channel();
    turn.start(&call.front, Ear { parts: sender, last: Some(last) }).map_err(of_turn)?;
    if let Some(progress) = &call.progress {
        tell(progress, parts).await;
    }
    // Nothing comes from a turn that panicked.
    let step = ended.await.unwrap_or_else(|_| Step::Failure(Problem::new("internal")));
    Ok(result_of(step).map_err(of_turn)?.body_json)
}

fn message(call: &Call) -> Result<Message, Failure> {
    let mut given = call.given()?;
    let claims = Claims {
        user_id: given.some("user_id"),
        employee_id: given.some("employee_id"),
        slack_user_id: None,
    };
    let mut fields = Fields::parse(call.arguments().as_bytes()).map_err(Failure::Arguments)?;
    let input = if fields.has("input") { "input" } else { "raw_input" };
    let input = if fields.has(input) { input } else { "input" };
    let names = Names { input, session: "session_id", locale: "detected_language" };
    let message = Message::read(&mut fields, &names);
    let mut message = fields.finish(message).map_err(Failure::Arguments)?;
    let employee_id = claims.employee_id.clone();
    let identity = call.acting(claims)?;
    message.claims = Claims { user_id: Some(identity.user_id), employee_id, slack_user_id: None };
    Ok(message)
}

/// Tells the parts of an answer until the last one has come.
async fn tell(progress: &Progress, mut parts: mpsc::Receiver<String>) {
    let mut count = 0_u32;
    while let Some(text) = parts.recv().await {
        count += 1;
        let told = ProgressNotificationParam::new(progress.token.clone(), f64::from(count));
        if progress.peer.notify_progress(told.with_message(text)).await.is_err() {
            return;
        }
    }
}
