//! Questions to a customer, and what to make of the reply.

use proto::v1::{Agent, CombineReplyRequest, GenerateClarificationRequest};
use serde::Serialize;

use super::argument::{Argument, Kind};
use super::call::{Call, Failure, Outcome, told};
use super::routing::{AGENT_CHARACTERS_MAX, agents};
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::extract::call as peer;
use crate::message::{INPUT_CHARACTERS_MAX, LOCALE_CHARACTERS_MAX};
use crate::problem::Problem;

const NAME_CHARACTERS_MAX: usize = 200;
const SUMMARY_CHARACTERS_MAX: usize = 200;

pub(super) const TOOLS: [Tool; 3] = [
    Tool {
        name: "generate_clarification_question",
        title: "Word a question",
        about: "Words one short question that finds out whether a message is meant for an agent, in the language of the \
            customer.",
        scope: Scope::Chat,
        per_minute: Some(60),
        effect: Effect::Nothing,
        input: &[
            Argument::required(
                "agent_name",
                Kind::Text(NAME_CHARACTERS_MAX),
                "The id or the display name of the agent.",
            ),
            Argument::required(
                "user_input",
                Kind::Text(INPUT_CHARACTERS_MAX),
                "What the customer said.",
            ),
            Argument::required(
                "detected_language",
                Kind::Text(LOCALE_CHARACTERS_MAX),
                "The language of the question as a BCP 47 tag.",
            ),
            Argument::optional(
                "intent_summary",
                Kind::Text(SUMMARY_CHARACTERS_MAX),
                "What the message seems to be about.",
            ),
        ],
        output: &[
            Argument::required("question", Kind::Text(0), "The question."),
            Argument::required("language", Kind::Text(0), "Its language."),
            Argument::required("cached", Kind::Flag, "Whether it was worded before."),
        ],
        work: |call| Box::pin(generate_question(call)),
    },
    Tool {
        name: "process_clarification_response",
        title: "Read the reply to a question",
        about: "Joins the reply to a question with the message that it is about, and says whether the reply names the \
            agent or the joined text has to be classified again.",
        scope: Scope::Chat,
        per_minute: Some(120),
        effect: Effect::Nothing,
        input: &[
            Argument::required(
                "original_input",
                Kind::Text(INPUT_CHARACTERS_MAX),
                "The message that the question was about.",
            ),
            Argument::required(
                "clarification_response",
                Kind::Text(INPUT_CHARACTERS_MAX),
                "The customer's reply.",
            ),
            Argument::required(
                "agent_id",
                Kind::Text(AGENT_CHARACTERS_MAX),
                "The agent that the question named.",
            ),
        ],
        output: &[
            Argument::required("enhanced_input", Kind::Text(0), "Message and reply as one text."),
            Argument::required(
                "should_reclassify",
                Kind::Flag,
                "Whether the text has to be classified again.",
            ),
        ],
        work: |call| Box::pin(process_response(call)),
    },
    Tool {
        name: "get_fallback_question",
        title: "The question that always fits",
        about: "Returns the fixed question of a language, which names no agent; English when the language is not listed.",
        scope: Scope::Chat,
        per_minute: None,
        effect: Effect::Nothing,
        input: &[Argument::required(
            "language",
            Kind::Text(LOCALE_CHARACTERS_MAX),
            "The language as a BCP 47 tag.",
        )],
        output: &[
            Argument::required("question", Kind::Text(0), "The question."),
            Argument::required("language", Kind::Text(0), "The language that was asked for."),
        ],
        work: |call| Box::pin(fallback_question(call)),
    },
];

async fn generate_question(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Asked {
        question: String,
        language: String,
        cached: bool,
    }
    let mut given = call.given()?;
    let name = given.text("agent_name");
    let agent = agents(&call).await?.into_iter().find(|agent| is_called(agent, &name));
    let missing = || Problem::new("agent_not_found").with_text("agent_id", &name);
    let language = given.text("detected_language");
    let request = GenerateClarificationRequest {
        context: Some(call.context(None)?),
        candidates: vec![agent.ok_or_else(missing)?.agent_id],
        text: given.text("user_input"),
        language: language.clone(),
        intent_summary: given.text("intent_summary"),
    };
    let mut classifier = call.front.peers.classifier();
    let asked = classifier.generate_clarification(peer(request)).await?.into_inner();
    told(&Asked { question: asked.question, language, cached: asked.cached })
}

fn is_called(agent: &Agent, name: &str) -> bool {
    agent.agent_id == name || agent.display_name.to_lowercase() == name.to_lowercase()
}

async fn process_response(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Combined {
        enhanced_input: String,
        should_reclassify: bool,
    }
    let mut given = call.given()?;
    let agent_id = given.text("agent_id");
    let is_loaded = agents(&call).await?.iter().any(|agent| agent.agent_id == agent_id);
    if !is_loaded {
        let problem = Problem::new("agent_not_found").with_text("agent_id", &agent_id);
        return Err(Failure::Tool(problem));
    }
    let request = CombineReplyRequest {
        context: Some(call.context(None)?),
        original_input: given.text("original_input"),
        reply: given.text("clarification_response"),
        candidates: vec![agent_id],
    };
    let combined = call.front.peers.router().combine_reply(peer(request)).await?.into_inner();
    let should_reclassify = combined.chosen_agent.is_empty();
    told(&Combined { enhanced_input: combined.combined, should_reclassify })
}

async fn fallback_question(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Fixed {
        question: String,
        language: String,
    }
    let language = call.given()?.text("language");
    // A question without candidates names nobody.
    let request = GenerateClarificationRequest {
        context: Some(call.context(None)?),
        language: language.clone(),
        ..GenerateClarificationRequest::default()
    };
    let mut classifier = call.front.peers.classifier();
    let question = classifier.generate_clarification(peer(request)).await?.into_inner().question;
    told(&Fixed { question, language })
}
