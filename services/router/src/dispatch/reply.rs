//! Reads an agent's reply: in which order its parts are looked at, and what makes it unusable.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::setback::Setback;
use super::{DispatchSettings, HandoffAsk, Reply, ReplyUsage, usage};

#[cfg(test)]
mod tests;

const COMPLETE_MISSING: &str = "workflow_complete_missing";
const USAGE_INVALID: &str = "usage_invalid";
const HANDOFF_INVALID: &str = "handoff_invalid";
const NUL_IN_CONTENT: &str = "content holds a NUL character";

/// The result of `tools/call`.
#[derive(Deserialize)]
struct ToolResult<'a> {
    #[serde(default)]
    content: Option<Vec<Block>>,
    #[serde(borrow, default, rename = "structuredContent")]
    structured: Option<&'a RawValue>,
    #[serde(default, rename = "isError")]
    is_error: Option<bool>,
    #[serde(default, rename = "resultType")]
    result_type: Option<String>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    retryable: Option<bool>,
}

/// The object of the agent contract. Each field is kept as it is written until its own rule is put to it.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "written")]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    workflow_complete: Option<&'a RawValue>,
    #[serde(borrow)]
    workflow_state: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    handoff: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Handoff {
    reason: String,
    target_agent: Option<String>,
    required_skills: Option<Vec<String>>,
    summary: Option<String>,
}

/// Reads the result of `tools/call`, given as JSON.
pub(super) fn read(result: &str, settings: &DispatchSettings) -> Result<Reply, Setback> {
    let result: ToolResult<'_> =
        parse(result).ok_or_else(|| Setback::unusable("the result is not one of tools/call"))?;
    let texts: Vec<&str> =
        result.content.iter().flatten().filter_map(|block| block.text.as_deref()).collect();
    let structured = result.structured.and_then(|object| parse::<Fields<'_>>(object.get()));
    if result.is_error == Some(true) {
        let is_retryable = is_retryable(result.meta);
        let said = structured.or_else(|| texts.iter().find_map(|text| parse::<Fields<'_>>(text)));
        return Err(Setback::Tool {
            is_retryable,
            usage: said.and_then(|fields| usage_of(&fields).0),
        });
    }
    if result.result_type.is_some_and(|kind| kind != "complete") {
        return Err(Setback::unusable("the result is not complete"));
    }
    let has_content = |fields: &Fields<'_>| fields.content.is_some();
    let in_text = || texts.iter().filter_map(|text| parse::<Fields<'_>>(text)).find(has_content);
    match structured.filter(has_content).or_else(in_text) {
        Some(fields) => of_fields(&fields, settings),
        None => of_texts(&texts, settings),
    }
}

/// Whether an error says of itself that the call never ran: `_meta.retryable`.
pub(super) fn is_retryable(meta: Option<&RawValue>) -> bool {
    meta.and_then(|meta| parse::<Meta>(meta.get())).and_then(|meta| meta.retryable) == Some(true)
}

fn of_texts(texts: &[&str], settings: &DispatchSettings) -> Result<Reply, Setback> {
    let said: Vec<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
    if said.is_empty() {
        return Err(Setback::unusable("the reply is empty"));
    }
    let content = said.join("\n");
    if !is_storable(&content) {
        return Err(Setback::unusable(NUL_IN_CONTENT));
    }
    let mut reply = Reply { content, ..Reply::default() };
    complete(&mut reply, None, settings).map_err(Setback::unusable)?;
    Ok(reply)
}

fn of_fields(fields: &Fields<'_>, settings: &DispatchSettings) -> Result<Reply, Setback> {
    let (usage, is_usage_valid) = usage_of(fields);
    let mut reply = Reply { usage: usage.clone(), ..Reply::default() };
    if !is_usage_valid {
        reply.violations.push(USAGE_INVALID);
    }
    take(&mut reply, fields, settings)
        .map_err(|why| Setback::Unusable { why: why.to_owned(), usage })?;
    Ok(reply)
}

fn take(
    reply: &mut Reply,
    fields: &Fields<'_>,
    settings: &DispatchSettings,
) -> Result<(), &'static str> {
    let content =
        fields.content.and_then(|content| serde_json::from_str::<String>(content.get()).ok());
    reply.content = content.filter(|content| !content.is_empty()).ok_or("content is not a text")?;
    if !is_storable(&reply.content) {
        return Err(NUL_IN_CONTENT);
    }
    complete(reply, fields.workflow_complete, settings)?;
    if let Some(state) = fields.workflow_state {
        if !state.get().starts_with('{') {
            return Err("workflow_state is not an object");
        }
        if settings.workflow_state_max_bytes < state.get().len() {
            return Err("workflow_state is too large");
        }
        reply.workflow_state = Some(state.get().to_owned());
    }
    if let Some(block) = fields.handoff {
        reply.handoff = handoff(block);
        if reply.handoff.is_none() {
            reply.violations.push(HANDOFF_INVALID);
        }
    }
    Ok(())
}

fn complete(
    reply: &mut Reply,
    flag: Option<&RawValue>,
    settings: &DispatchSettings,
) -> Result<(), &'static str> {
    match flag.map(RawValue::get) {
        Some("true") => reply.workflow_complete = true,
        Some("false") => {}
        Some(_) => return Err("workflow_complete is not a boolean"),
        None if settings.strict_contract => return Err("workflow_complete is missing"),
        None => reply.violations.push(COMPLETE_MISSING),
    }
    Ok(())
}

/// The usage that can be read, and whether what is there is valid.
fn usage_of(fields: &Fields<'_>) -> (Option<ReplyUsage>, bool) {
    match fields.usage.map(usage::read) {
        None => (None, true),
        Some(Ok(usage)) => (usage, true),
        Some(Err(usage::Invalid)) => (None, false),
    }
}

fn handoff(block: &RawValue) -> Option<HandoffAsk> {
    let asked: Handoff = parse(block.get())?;
    let said = [Some(&asked.reason), asked.target_agent.as_ref(), asked.summary.as_ref()];
    let skills = asked.required_skills.iter().flatten();
    if !said.into_iter().flatten().chain(skills).all(|text| is_storable(text)) {
        return None;
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    Some(HandoffAsk {
        reason: filled(Some(asked.reason))?,
        target_agent: filled(asked.target_agent),
        required_skills: asked.required_skills.unwrap_or_default(),
        summary: filled(asked.summary),
    })
}

/// Whether a text can be kept: Postgres takes every character but NUL. As an escape within JSON text it does no harm.
pub(super) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// A JSON object as this type; serde alone would take a list for one.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Tells a field that is written as `null` from one that is not written.
fn written<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}
