//! The free part of a definition: any object, of which the mesh itself reads a few keys.

use super::fields::{Fields, Read, list, text, word, wrong};
use super::{Endpoint, Rules, agent_id, endpoint};
use crate::node::Node;

/// The most that the object may take as JSON, in bytes.
const BYTES_MAX: usize = 16 * 1024;
/// How many tools may be named.
const TOOLS_MAX: usize = 100;

/// The metadata of an agent.
#[derive(Default)]
pub struct Metadata {
    /// The whole object.
    pub json: String,
    /// Where the agent speaks A2A.
    pub a2a_endpoint: Option<Endpoint>,
    /// The agent above this one.
    pub parent_agent_id: String,
    /// The tools that it is known to use.
    pub tools: Vec<String>,
    /// What it may see of personal data: `allow`, `mask` or empty.
    pub pii: String,
}

/// Reads the metadata object.
pub fn metadata(node: &Node, rules: &Rules) -> Read<Metadata> {
    let mut fields = Fields::of(node)?;
    let a2a_endpoint = fields.optional("a2a_endpoint", |node| endpoint(node, rules));
    let parent_agent_id = fields.optional("parent_agent_id", agent_id).unwrap_or_default();
    let tools = fields.optional("tools", tools).unwrap_or_default();
    let pii = fields.optional("pii", |node| word(node, &["allow", "mask"])).unwrap_or_default();
    let faults = fields.finish_open();
    if !faults.is_empty() {
        return Err(faults);
    }
    let json = node.to_json().to_string();
    if BYTES_MAX < json.len() {
        return wrong(node, format!("takes {} bytes as JSON, at most {BYTES_MAX}", json.len()));
    }
    Ok(Metadata { json, a2a_endpoint, parent_agent_id, tools, pii })
}

fn tools(node: &Node) -> Read<Vec<String>> {
    list(node, 0..=TOOLS_MAX, |item| text(item, 1..=128))
}
