//! What a valid agent is: every rule for one definition, put to a parsed file.

use chassis::address::{Allowlist, Target};
use chassis::config::micros_of;
use oxilangtag::LanguageTag;
use proto::v1::{Agent, Cost, Specialization};

use crate::node::{Fault, Node, Place, Value};

pub mod fields;
pub mod keep;
pub mod metadata;
pub mod placeholder;
pub mod set;

use fields::{Fields, Read, boolean, expected, integer, list, share, text, word, wrong};
use metadata::metadata;
use placeholder::Variables;

#[cfg(test)]
mod tests;

/// The name that the mesh keeps for itself.
const RESERVED_ID: &str = "mesh";
/// How many examples an agent may have.
const EXAMPLES_MAX: usize = 20;
/// How many skills, domains, languages or specializations an agent may have.
const TOPICS_MAX: usize = 50;
/// The most a call may cost, in micro-USD.
const CALL_MICROS_MAX: i64 = 1_000 * 1_000_000;
/// How an agent can be reached, in the order of preference when a definition does not say.
const TRANSPORTS: [&str; 2] = ["mcp", "a2a"];

/// What a definition is measured by besides itself.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What placeholders stand for.
    pub variables: Variables,
    /// Targets that need not be public.
    pub allowlist: Allowlist,
    /// The agents that the router can answer for itself.
    pub handlers: Vec<String>,
}

/// A URL of an agent, accepted as far as that is possible without resolving its name.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it stands in the file.
    pub place: Place,
    /// As it was written.
    pub url: String,
    /// Where it leads.
    pub target: Target,
}

/// A valid definition, with the places that rules about the whole set speak of.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What the mesh knows of the agent.
    pub agent: Agent,
    /// Its URLs, whose names are still to be resolved.
    pub endpoints: Vec<Endpoint>,
    /// Where the id stands.
    pub id_place: Place,
    /// Where the definition says whether it is the default.
    pub default_place: Place,
}

/// Reads a definition, or finds everything that is wrong with it.
pub fn read(root: Node, rules: &Rules) -> Result<Definition, Vec<Fault>> {
    let root = placeholder::expand(root, &rules.variables)?;
    let mut fields = Fields::of(&root)?;
    let mut agent = described(&mut fields);
    agent.agent_id = fields.required("agent_id", agent_id);
    agent.r#type = fields.required("type", kind);
    agent.is_default = fields.required("is_default", boolean);
    agent.confidence_threshold = fields.required("confidence_threshold", share);
    let endpoint = fields.optional("endpoint", |node| endpoint(node, rules));
    let metadata = fields.optional("metadata", |node| metadata(node, rules)).unwrap_or_default();
    check_together(&agent, rules, &mut fields);
    let (id_place, default_place) = (fields.place("agent_id"), fields.place("is_default"));
    let faults = fields.finish();
    if !faults.is_empty() {
        return Err(faults);
    }
    let url = |endpoint: &Option<Endpoint>| endpoint.as_ref().map(|endpoint| endpoint.url.clone());
    agent.endpoint = url(&endpoint).unwrap_or_default();
    agent.a2a_endpoint = url(&metadata.a2a_endpoint).unwrap_or_default();
    agent.metadata_json = metadata.json;
    agent.parent_agent_id = metadata.parent_agent_id;
    agent.tools = metadata.tools;
    agent.pii = metadata.pii;
    let endpoints = endpoint.into_iter().chain(metadata.a2a_endpoint).collect();
    Ok(Definition { agent, endpoints, id_place, default_place })
}

/// The fields that stand for themselves.
fn described(fields: &mut Fields<'_>) -> Agent {
    Agent {
        display_name: fields.required("display_name", |node| text(node, 1..=200)),
        description: fields.required("description", |node| text(node, 1..=5_000)),
        clarification_required: fields.required("clarification_required", boolean),
        clarification_context: fields
            .optional("clarification_context", |node| text(node, 0..=500))
            .unwrap_or_default(),
        examples: fields.required("examples", examples),
        skills: fields.optional("skills", topics).unwrap_or_default(),
        domains: fields.optional("domains", topics).unwrap_or_default(),
        languages: fields.optional("languages", languages).unwrap_or_default(),
        specializations: fields.optional("specializations", specializations).unwrap_or_default(),
        max_concurrent_sessions: fields
            .optional("max_concurrent_sessions", |node| integer(node, 1..=100_000)),
        transports: fields.optional("transports", transports).unwrap_or_else(all_transports),
        cost: fields.optional("cost", cost),
        timeout_ms: fields.optional("timeout_ms", |node| integer(node, 100..=600_000)),
        accepts_handoff: fields.optional("accepts_handoff", boolean).unwrap_or(true),
        version: fields.optional("version", |node| text(node, 1..=64)).unwrap_or_default(),
        ..Agent::default()
    }
}

/// The rules that concern two fields at once. A field that is wrong by itself has its fault already.
fn check_together(agent: &Agent, rules: &Rules, fields: &mut Fields<'_>) {
    let id = &agent.agent_id;
    if agent.r#type == "mcp" && !fields.has("endpoint") {
        fields.fail("type", "`mcp` needs an `endpoint`");
    }
    if agent.r#type == "inprocess" && !id.is_empty() {
        if !rules.handlers.contains(id) {
            fields.fail("type", format!("the router has no handler for `{id}`"));
        } else if fields.has("endpoint") {
            fields.fail("endpoint", "nobody is called there, since the agent is `inprocess`");
        }
    }
    let threshold = agent.confidence_threshold;
    if agent.is_default && threshold != 0.0 {
        fields.fail(
            "confidence_threshold",
            format!("must be 0 for the default agent, is {threshold}"),
        );
    }
}

fn agent_id(node: &Node) -> Read<String> {
    let id = text(node, 1..=64)?;
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if !id.chars().all(fits) {
        return wrong(node, format!("may have only a-z, 0-9 and -, is `{id}`"));
    }
    if id == RESERVED_ID {
        return wrong(node, format!("`{RESERVED_ID}` is reserved"));
    }
    Ok(id)
}

fn kind(node: &Node) -> Read<String> {
    let kind = word(node, &["mcp", "inprocess", "builtin"])?;
    Ok(if kind == "builtin" { "inprocess".to_owned() } else { kind })
}

fn endpoint(node: &Node, rules: &Rules) -> Read<Endpoint> {
    let url = text(node, 1..=2_048)?;
    match Target::parse(&url, &rules.allowlist) {
        Ok(target) => Ok(Endpoint { place: node.place, url, target }),
        Err(refused) => {
            let fault = Fault::at(node.place, refused.to_string());
            Err(vec![Fault { is_attempt: refused.is_attempt(), ..fault }])
        }
    }
}

fn examples(node: &Node) -> Read<Vec<String>> {
    list(node, 1..=EXAMPLES_MAX, |item| text(item, 1..=500))
}

fn topics(node: &Node) -> Read<Vec<String>> {
    list(node, 0..=TOPICS_MAX, |item| text(item, 1..=64))
}

fn languages(node: &Node) -> Read<Vec<String>> {
    list(node, 0..=TOPICS_MAX, |item| {
        let tag = text(item, 1..=64)?;
        match LanguageTag::parse(tag.as_str()) {
            Ok(_) => Ok(tag),
            Err(_) => wrong(item, format!("`{tag}` is not a BCP 47 language tag")),
        }
    })
}

fn specializations(node: &Node) -> Read<Vec<Specialization>> {
    list(node, 0..=TOPICS_MAX, |item| {
        let mut fields = Fields::of(item)?;
        let specialization = Specialization {
            domain: fields.required("domain", |node| text(node, 1..=64)),
            proficiency_level: fields.required("proficiency_level", share),
            min_confidence_threshold: fields.required("min_confidence_threshold", share),
        };
        let faults = fields.finish();
        if faults.is_empty() { Ok(specialization) } else { Err(faults) }
    })
}

fn transports(node: &Node) -> Read<Vec<String>> {
    let transports = list(node, 1..=TRANSPORTS.len(), |item| word(item, &TRANSPORTS))?;
    match transports.as_slice() {
        [first, second] if first == second => wrong(node, format!("`{first}` stands there twice")),
        _ => Ok(transports),
    }
}

fn all_transports() -> Vec<String> {
    TRANSPORTS.map(str::to_owned).into()
}

fn cost(node: &Node) -> Read<Cost> {
    let mut fields = Fields::of(node)?;
    let cost = Cost {
        model: fields.required("model", |node| text(node, 1..=200)),
        max_output_tokens: fields
            .optional("max_output_tokens", |node| integer(node, 1..=1_000_000)),
        per_call_micros: fields.optional("per_call_usd", micros),
    };
    let faults = fields.finish();
    if faults.is_empty() { Ok(cost) } else { Err(faults) }
}

fn micros(node: &Node) -> Read<i64> {
    // A double holds 15 decimal digits and the range of the field has 10, so its shortest form is what was written.
    let text = match node.value {
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        _ => return expected("a number", node),
    };
    match micros_of(&text) {
        Some(micros) if (0..=CALL_MICROS_MAX).contains(&micros) => Ok(micros),
        _ => wrong(node, format!("must be 0 to 1000 with at most 6 decimals, is {text}")),
    }
}
