//! The tools by name, and what clients are told of them.

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::model::ToolAnnotations;

use super::argument::{Argument, input_schema, output_schema};
use super::call::{Call, Outcome};
use super::{breakers, clarification, conversation, entries, gate, routing, sessions};
use crate::auth::Scope;

/// A tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What it does and when to use it.
    pub(super) about: &'static str,
    pub(super) scope: Scope,
    /// How often a key may call it.
    pub(super) per_minute: Option<i64>,
    pub(super) effect: Effect,
    pub(super) input: &'static [Argument],
    pub(super) output: &'static [Argument],
    pub(super) work: fn(Call) -> BoxFuture<'static, Outcome>,
}

/// What a call changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Nothing,
    /// Something is added.
    Adds,
    /// Something that was there is replaced; a repeat changes nothing further.
    Replaces,
}

/// Every tool, in the order in which it is listed.
pub(super) fn all() -> impl Iterator<Item = &'static Tool> {
    let groups: [&[Tool]; 7] = [
        &conversation::TOOLS,
        &routing::TOOLS,
        &gate::TOOLS,
        &clarification::TOOLS,
        &breakers::TOOLS,
        &sessions::TOOLS,
        &entries::TOOLS,
    ];
    groups.into_iter().flatten()
}

/// The tool of this name.
pub(super) fn named(name: &str) -> Option<&'static Tool> {
    all().find(|tool| tool.name == name)
}

impl Tool {
    /// What clients are told of it.
    pub(super) fn described(&self) -> rmcp::model::Tool {
        let hints = ToolAnnotations::new()
            .read_only(self.effect == Effect::Nothing)
            .destructive(self.effect == Effect::Replaces)
            .idempotent(self.effect != Effect::Adds)
            .open_world(false);
        rmcp::model::Tool::new(self.name, self.about, Arc::new(input_schema(self.input)))
            .with_title(self.title)
            .with_raw_output_schema(Arc::new(output_schema(self.output)))
            .with_annotations(hints)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_tools_have_the_scopes_and_limits_of_the_contract() {
        use Scope::{Admin, Chat, Read};
        let expected: BTreeMap<_, _> = [
            ("handle_message", (Chat, Some(120))),
            ("get_session_status", (Chat, Some(600))),
            ("list_agents", (Read, Some(120))),
            ("classify_intent", (Chat, Some(60))),
            ("route_request", (Chat, Some(120))),
            ("evaluate_confidence", (Chat, Some(120))),
            ("generate_clarification_question", (Chat, Some(60))),
            ("process_clarification_response", (Chat, Some(120))),
            ("get_fallback_question", (Chat, None)),
            ("check_circuit_state", (Read, None)),
            ("record_success", (Admin, None)),
            ("record_failure", (Admin, None)),
            ("reset_circuit", (Admin, Some(10))),
            ("get_all_states", (Read, Some(10))),
            ("create_session", (Chat, Some(120))),
            ("get_session", (Chat, Some(600))),
            ("append_turn", (Chat, Some(600))),
            ("update_workflow_state", (Chat, Some(120))),
            ("close_session", (Chat, Some(120))),
            ("resume_session", (Chat, Some(30))),
        ]
        .into();
        let own: BTreeMap<_, _> =
            all().map(|tool| (tool.name, (tool.scope, tool.per_minute))).collect();
        assert_eq!(own, expected);
        assert_eq!(all().count(), expected.len(), "each stands once");
    }
}
