//! Who there is, and what a text is about.

use proto::v1::{Agent, AgentScore, ClassifyRequest, ListAgentsRequest};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::argument::{Argument, Kind};
use super::call::{Call, Failure, Outcome, told};
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::extract::call as peer;
use crate::fields::Fields;
use crate::message::{INPUT_CHARACTERS_MAX, LOCALE_CHARACTERS_MAX, clean};
use crate::problem::Problem;
use crate::view::object;

pub(super) const OBJECT_BYTES_MAX: usize = 64 << 10;
/// An agent id is at most so long.
pub(super) const AGENT_CHARACTERS_MAX: usize = 64;

pub(super) const TOOLS: [Tool; 2] = [
    Tool {
        name: "list_agents",
        title: "List the agents",
        about: "Lists every agent that is loaded, with its name and the confidence from which messages go to it.",
        scope: Scope::Read,
        per_minute: Some(120),
        effect: Effect::Nothing,
        input: &[],
        output: &[Argument::required(
            "agents",
            Kind::Objects,
            "agent_id, display_name, is_default and confidence_threshold of each.",
        )],
        work: |call| Box::pin(list_agents(call)),
    },
    Tool {
        name: "classify_intent",
        title: "Classify a text",
        about: "Says which agent a text is meant for and how surely, with its language, a summary and the entities in it. \
            Nothing is stored and nobody is asked.",
        scope: Scope::Chat,
        per_minute: Some(60),
        effect: Effect::Nothing,
        input: &[
            Argument::required("input", Kind::Text(INPUT_CHARACTERS_MAX), "The text."),
            Argument::optional(
                "user_context",
                Kind::Object(OBJECT_BYTES_MAX),
                "What is known of the user; prior_language is used when the text does not tell its language.",
            ),
            Argument::optional(
                "language",
                Kind::Text(LOCALE_CHARACTERS_MAX),
                "The language of the text, when you know it.",
            ),
        ],
        output: &CLASSIFICATION,
        work: |call| Box::pin(classify_intent(call)),
    },
];

const CLASSIFICATION: [Argument; 7] = [
    Argument::required("agent_id", Kind::Text(0), "The agent that the text is meant for."),
    Argument::required("confidence", Kind::Share, "How sure that is."),
    Argument::required("ambiguous", Kind::Flag, "Whether another agent is nearly as likely."),
    Argument::required("detected_language", Kind::Text(0), "The language of the text."),
    Argument::required("intent_summary", Kind::Text(0), "What it is about, without contact data."),
    Argument::required("entities", Kind::Object(0), "Dates, amounts, order numbers and the like."),
    Argument::required("agent_scores", Kind::Objects, "agent_id and score of every agent."),
];

async fn list_agents(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct List {
        agents: Vec<Listed>,
    }
    #[derive(Serialize)]
    struct Listed {
        agent_id: String,
        display_name: String,
        is_default: bool,
        confidence_threshold: f64,
    }
    let agents = agents(&call).await?.into_iter().map(|agent| Listed {
        agent_id: agent.agent_id,
        display_name: agent.display_name,
        is_default: agent.is_default,
        confidence_threshold: agent.confidence_threshold,
    });
    told(&List { agents: agents.collect() })
}

/// Every loaded agent.
pub(super) async fn agents(call: &Call) -> Result<Vec<Agent>, Failure> {
    let context = Some(call.context(None)?);
    let mut registry = call.front.peers.registry();
    let snapshot = registry.list_agents(peer(ListAgentsRequest { context })).await?.into_inner();
    let states = snapshot.agents;
    Ok(states.into_iter().filter_map(|state| state.agent).collect())
}

async fn classify_intent(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Classified {
        agent_id: String,
        confidence: f64,
        ambiguous: bool,
        detected_language: String,
        intent_summary: String,
        entities: Box<RawValue>,
        agent_scores: Vec<Scored>,
        mode: String,
        tier: String,
        revision: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        fallback_reason: String,
    }
    let mut given = call.given()?;
    let known = given.object("user_context");
    let request = ClassifyRequest {
        context: Some(call.context(None)?),
        text: input(&given.text("input"))?,
        locale: given.text("language"),
        prior_language: prior_language(&known)?,
    };
    let found = call.front.peers.classifier().classify(peer(request)).await?.into_inner();
    told(&Classified {
        agent_id: found.agent_id,
        confidence: found.confidence,
        ambiguous: found.ambiguous,
        detected_language: found.detected_language,
        intent_summary: found.intent_summary,
        entities: object(found.entities_json),
        agent_scores: found.agent_scores.into_iter().map(Scored::of).collect(),
        mode: found.mode,
        tier: found.tier,
        revision: found.revision,
        fallback_reason: found.fallback_reason,
    })
}

/// The score of one agent.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Scored {
    pub(super) agent_id: String,
    pub(super) score: f64,
}

impl Scored {
    fn of(score: AgentScore) -> Self {
        Self { agent_id: score.agent_id, score: score.score }
    }
}

/// A text without control characters.
pub(super) fn input(text: &str) -> Result<String, Failure> {
    clean(text).map_err(|rule| Failure::Arguments(Problem::invalid_field("input", rule)))
}

fn prior_language(known: &str) -> Result<String, Failure> {
    if known.is_empty() {
        return Ok(String::new());
    }
    let mut fields = Fields::within(known, "user_context.").map_err(Failure::Arguments)?;
    let language = fields.text_up_to("prior_language", LOCALE_CHARACTERS_MAX).unwrap_or_default();
    fields.finish(language).map_err(Failure::Arguments)
}
