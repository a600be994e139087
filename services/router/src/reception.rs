//! The handler `reception`: greets, says whom the customer can be brought to, and brings them there.
//!
//! It calls nobody and costs nothing, so it can be the agent that answers when all others cannot. What it says follows
//! from the message, its own last state and the agents as they are: the same call is answered the same.

use proto::v1::{Agent, AgentState};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clarification::{Named, choose};
use crate::handler::{CallToolResult, ErrorData, Handler, Inquiry, async_trait};
use crate::roster::Agents;

mod sentences;
#[cfg(test)]
mod tests;

/// How many agents a customer is told of.
const OFFERED_MAX: usize = 20;
/// How much of what an agent says of itself is shown.
const ABOUT_CHARS_MAX: usize = 120;

/// The handler itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reception;

/// What it reads of its arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Arguments {
    raw_input: String,
    detected_language: String,
    turn_history: Vec<IgnoredAny>,
    workflow_state: Value,
    handoff: Option<Brief>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Brief {
    handoff_id: String,
}

/// What it remembers of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// Whom the customer was told of, in this order.
    offered: Vec<String>,
    /// The handoff by which the conversation came here last.
    handoff_id: String,
}

/// What it answers.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Reply {
    content: String,
    workflow_complete: bool,
    workflow_state: State,
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    handoff: Option<Wish>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Usage {
    cost_usd: u8,
}

/// The wish that another agent take over.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Wish {
    reason: &'static str,
    target_agent: String,
}

#[async_trait]
impl Handler for Reception {
    async fn handle_message(&self, inquiry: Inquiry<'_>) -> Result<CallToolResult, ErrorData> {
        let arguments: Arguments = inquiry.read()?;
        let reply = answer(&arguments, &others(&inquiry.agents, inquiry.agent_id));
        let reply = serde_json::to_value(&reply);
        let broken = |_| ErrorData::internal_error("the reply cannot be written", None);
        Ok(CallToolResult::structured(reply.map_err(broken)?))
    }
}

/// Those who can take over a conversation now. The default agent is for what fits nobody, and so is this one.
fn others<'a>(agents: &'a Agents, own_id: &str) -> Vec<&'a Agent> {
    let can_take_over = |state: &AgentState| state.availability == "available";
    let there = agents.states().iter().filter(|state| can_take_over(state));
    let there = there.filter_map(|state| state.agent.as_ref());
    let there = there.filter(|agent| agent.accepts_handoff && !agent.is_default);
    there.filter(|agent| agent.agent_id != own_id).take(OFFERED_MAX).collect()
}

fn answer(arguments: &Arguments, others: &[&Agent]) -> Reply {
    let handoff_id = arguments.handoff.as_ref().map_or("", |brief| &brief.handoff_id);
    // What is no state of ours tells nothing.
    let known = State::deserialize(&arguments.workflow_state).unwrap_or_default();
    // Whoever has just given the conversation away is not to get the same message back.
    let is_given = !handoff_id.is_empty() && handoff_id != known.handoff_id;
    let chosen = if is_given { None } else { chosen(&arguments.raw_input, &known.offered, others) };
    let sentences = sentences::of(&arguments.detected_language);
    let is_first = arguments.turn_history.is_empty() && !is_given;
    let content = match chosen {
        Some(agent) => sentences.pass.replacen("{a}", &one_line(&agent.display_name), 1),
        None if others.is_empty() => sentences.alone.to_owned(),
        None => {
            let opening = if is_first { sentences.hello } else { sentences.unclear };
            format!("{opening}\n{}\n{}", listed(others), sentences.ask)
        }
    };
    let offered = others.iter().map(|agent| agent.agent_id.clone()).collect();
    Reply {
        content,
        workflow_complete: false,
        workflow_state: State { offered, handoff_id: handoff_id.to_owned() },
        usage: Usage::default(),
        handoff: chosen.map(|agent| Wish {
            reason: "The customer asked for this desk.",
            target_agent: agent.agent_id.clone(),
        }),
    }
}

/// The agent that the customer named, or whose number they gave, as they were told the numbers.
fn chosen<'a>(said: &str, offered: &[String], others: &[&'a Agent]) -> Option<&'a Agent> {
    let find = |agent_id: &str| others.iter().copied().find(|agent| agent.agent_id == agent_id);
    let named =
        |agent: &'a Agent| Named { agent_id: &agent.agent_id, display_name: &agent.display_name };
    let is_number = !said.chars().any(char::is_alphabetic);
    let candidates: Vec<Named<'_>> = match is_number {
        // A number counts in the list that was shown, with those who have gone since.
        true => offered
            .iter()
            .map(|agent_id| find(agent_id).map_or(Named { agent_id, display_name: "" }, named))
            .collect(),
        false => others.iter().map(|agent| named(agent)).collect(),
    };
    find(choose(said, &candidates)?)
}

/// One line for each, with its number and what it says of itself or what customers say to it.
fn listed(others: &[&Agent]) -> String {
    let line = |(at, agent): (usize, &&Agent)| {
        let name = one_line(&agent.display_name);
        match about(agent) {
            Some(about) => format!("{}. {name}: {about}", at + 1),
            None => format!("{}. {name}", at + 1),
        }
    };
    others.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn about(agent: &Agent) -> Option<String> {
    let context = one_line(&agent.clarification_context);
    if !context.is_empty() {
        return Some(context);
    }
    let example = agent.examples.iter().map(|example| one_line(example));
    example.filter(|example| !example.is_empty()).map(|example| format!("“{example}”")).next()
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(ABOUT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}
