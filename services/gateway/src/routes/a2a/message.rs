//! Messages of A2A: one that comes in, and the one that answers it.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::refusal::{Fault, Refusal};
use crate::fields::Fields;
use crate::identity::Claims;
use crate::message::{METADATA_BYTES_MAX, Message, REFERENCE_RULE, clean, is_reference, locale};
use crate::problem::Problem;
use crate::routes::answer::Said;

const TEXT: &str = "text/plain";
/// Ranges of media types that plain text is in.
const RANGES: [&str; 3] = [TEXT, "text/*", "*/*"];
const MODES_MAX: usize = 100;
const PARTS_MAX: usize = 100;
const ID_CHARACTERS_MAX: usize = 256;

/// A message that somebody sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) message_id: String,
    pub(super) message: Message,
}

impl Sent {
    /// Reads the parameters of `SendMessage`. In `metadata` the sender may name `user_id` and `locale`; all of it reaches the
    /// agent.
    pub(super) fn read(params: Option<&RawValue>) -> Result<Self, Refusal> {
        let mut params = Fields::parse(params.map_or("{}", RawValue::get).as_bytes())?;
        let configuration = params.object("configuration", "configuration.");
        let fault = configuration.and_then(|fields| unmet(fields, &mut params));
        let Some(mut fields) = params.object("message", "message.") else {
            return Err(Problem::invalid_field("message", "is not an object").into());
        };
        let message_id = fields.text_up_to("messageId", ID_CHARACTERS_MAX).unwrap_or_default();
        for name in ["messageId", "role", "parts"] {
            if !fields.has(name) {
                fields.reject(name, "is required");
            }
        }
        fields.choice("role", &["ROLE_USER"]);
        let has_task = fields.text("taskId").is_some_and(|id| !id.is_empty());
        let (input, is_text) = input(&mut fields);
        let session_ref = fields.text("contextId").filter(|id| !id.is_empty());
        if session_ref.as_deref().is_some_and(|id| !is_reference(id)) {
            fields.reject("contextId", REFERENCE_RULE);
        }
        let mut message = Message { input, session_ref, ..Message::default() };
        describe(&mut message, &mut fields);
        params.absorb(fields);
        params.finish(())?;
        let task = has_task.then_some(Fault::Task);
        let content = (!is_text).then_some(Fault::Content);
        match task.or(content).or(fault) {
            Some(fault) => Err(fault.into()),
            None => Ok(Self { message_id, message }),
        }
    }
}

/// What the sender wants that is not done here.
fn unmet(mut fields: Fields<'_>, params: &mut Fields<'_>) -> Option<Fault> {
    let modes = fields.texts("acceptedOutputModes", MODES_MAX);
    let takes_text = modes.is_empty() || modes.iter().any(|mode| RANGES.contains(&mode.as_str()));
    let fault = if fields.has("taskPushNotificationConfig") {
        Some(Fault::Push)
    } else {
        (!takes_text).then_some(Fault::Content)
    };
    params.absorb(fields);
    fault
}

/// The text of all parts, and whether they were nothing but text.
fn input(fields: &mut Fields<'_>) -> (String, bool) {
    let mut texts = Vec::new();
    let parts = fields.elements("parts", PARTS_MAX);
    for part in &parts {
        let Ok(mut part) = Fields::within(part.get(), "message.parts.") else {
            fields.reject("parts", "has an element that is not an object");
            continue;
        };
        texts.extend(part.text("text"));
        fields.absorb(part);
    }
    if texts.len() < parts.len() {
        return (String::new(), false);
    }
    let input = clean(&texts.join("\n")).unwrap_or_else(|rule| {
        fields.reject("parts", rule);
        String::new()
    });
    (input, true)
}

fn describe(message: &mut Message, fields: &mut Fields<'_>) {
    if let Some(mut metadata) = fields.object("metadata", "message.metadata.") {
        message.metadata_json =
            fields.raw_object("metadata", METADATA_BYTES_MAX).unwrap_or_default();
        message.claims = Claims::of_user(metadata.text("user_id"));
        message.locale = locale(&mut metadata, "locale");
        fields.absorb(metadata);
    }
}

/// The message that answers, or asks back, in the context of the one that it answers.
pub(super) fn reply(request_id: &str, context: &str, said: &Said) -> Value {
    let metadata = json!({
        "type": said.r#type,
        "session_id": said.session_id,
        "agent_id": said.agent_id,
        "workflow_complete": said.workflow_complete,
    });
    json!({
        "messageId": request_id,
        "contextId": context,
        "role": "ROLE_AGENT",
        "parts": [{"text": said.text(), "mediaType": TEXT}],
        "metadata": metadata,
    })
}
