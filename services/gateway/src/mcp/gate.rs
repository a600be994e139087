//! The confidence gate: what becomes of a classification.

use proto::v1::{
    Agent, AgentScore, Classification, EvaluateGateRequest, GenerateClarificationRequest,
};
use serde::Serialize;

use super::argument::{Argument, Kind};
use super::call::{Call, Failure, Outcome, told};
use super::routing::{AGENT_CHARACTERS_MAX, OBJECT_BYTES_MAX, Scored, input};
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::extract::call as peer;
use crate::fields::Fields;
use crate::message::{INPUT_CHARACTERS_MAX, LOCALE_CHARACTERS_MAX};

/// Whom a question may name.
const CANDIDATES_MAX: usize = 2;
const SCORES_MAX: usize = 10_000;

pub(super) const TOOLS: [Tool; 2] = [
    Tool {
        name: "route_request",
        title: "Decide on a classification",
        about: "Applies the confidence gate to what classify_intent returned: route to an agent, fall back to the default \
            agent, or ask the customer, with the question to ask.",
        scope: Scope::Chat,
        per_minute: Some(120),
        effect: Effect::Nothing,
        input: &[
            Argument::required(
                "input",
                Kind::Text(INPUT_CHARACTERS_MAX),
                "The text that was classified.",
            ),
            Argument::required(
                "classifier_output",
                Kind::Object(OBJECT_BYTES_MAX),
                "What classify_intent returned; agent_id, confidence and ambiguous decide.",
            ),
            Argument::required(
                "detected_language",
                Kind::Text(LOCALE_CHARACTERS_MAX),
                "The language of the question, if one is asked.",
            ),
        ],
        output: &[
            Argument::required("action", Kind::Text(0), "route, clarify or fallback."),
            Argument::required(
                "agent_id",
                Kind::Text(0),
                "Where the text goes, or whom it probably concerns.",
            ),
            Argument::required("reason", Kind::Text(0), "The rule that decided."),
            Argument::optional(
                "clarification_question",
                Kind::Text(0),
                "What to ask the customer.",
            ),
        ],
        work: |call| Box::pin(route_request(call)),
    },
    Tool {
        name: "evaluate_confidence",
        title: "Evaluate a confidence",
        about: "Applies the confidence gate to numbers of your own instead of a loaded agent's.",
        scope: Scope::Chat,
        per_minute: Some(120),
        effect: Effect::Nothing,
        input: &[
            Argument::required("confidence", Kind::Share, "How sure the classification is."),
            Argument::required("threshold", Kind::Share, "From where it is sure enough."),
            Argument::required(
                "ambiguous",
                Kind::Flag,
                "Whether another agent is nearly as likely.",
            ),
            Argument::required(
                "agent_config",
                Kind::Object(OBJECT_BYTES_MAX),
                "agent_id, is_default and clarification_required of the agent; each may be missing.",
            ),
        ],
        output: &[
            Argument::required("pass", Kind::Flag, "Whether the agent gets the message."),
            Argument::required("action", Kind::Text(0), "route, clarify or fallback."),
            Argument::required("reason", Kind::Text(0), "The rule that decided."),
        ],
        work: |call| Box::pin(evaluate_confidence(call)),
    },
];

async fn route_request(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Decided {
        action: String,
        agent_id: String,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        clarification_question: Option<String>,
    }
    let mut given = call.given()?;
    let text = input(&given.text("input"))?;
    let language = given.text("detected_language");
    let said = classification(&given.object("classifier_output"))?;
    let context = call.context(None)?;
    let candidates = candidates(&said);
    let request = EvaluateGateRequest {
        context: Some(context.clone()),
        classification: Some(said),
        bypass: false,
        agent: None,
    };
    let decision = call.front.peers.router().evaluate_gate(peer(request)).await?.into_inner();
    let clarification_question = if decision.action == "clarify" {
        let request = GenerateClarificationRequest {
            context: Some(context),
            candidates,
            text,
            language,
            intent_summary: String::new(),
        };
        let asked = call.front.peers.classifier().generate_clarification(peer(request)).await?;
        Some(asked.into_inner().question)
    } else {
        None
    };
    let (action, agent_id, reason) = (decision.action, decision.agent_id, decision.reason);
    told(&Decided { action, agent_id, reason, clarification_question })
}

/// What decides of a classification.
fn classification(text: &str) -> Result<Classification, Failure> {
    let mut fields = Fields::within(text, "classifier_output.").map_err(Failure::Arguments)?;
    for name in ["agent_id", "confidence"] {
        if !fields.has(name) {
            fields.reject(name, "is required");
        }
    }
    let scores = fields.elements("agent_scores", SCORES_MAX).into_iter();
    let scores = scores.map(|score| serde_json::from_str::<Scored>(score.get()));
    let mut agent_scores = Vec::new();
    for score in scores {
        match score {
            Ok(Scored { agent_id, score }) => agent_scores.push(AgentScore { agent_id, score }),
            Err(_) => fields.reject("agent_scores", "has one that is not {agent_id, score}"),
        }
    }
    let said = Classification {
        agent_id: fields.text_up_to("agent_id", AGENT_CHARACTERS_MAX).unwrap_or_default(),
        confidence: fields.share("confidence").unwrap_or_default(),
        ambiguous: fields.flag("ambiguous").unwrap_or_default(),
        agent_scores,
        ..Classification::default()
    };
    fields.finish(said).map_err(Failure::Arguments)
}

/// Whom a question about a classification names: the agent that it suggests and, when it is ambiguous, the next best.
fn candidates(said: &Classification) -> Vec<String> {
    let mut others: Vec<_> =
        said.agent_scores.iter().filter(|other| other.agent_id != said.agent_id).collect();
    others.sort_by(|left, right| right.score.total_cmp(&left.score));
    let second = others.first().filter(|_| said.ambiguous).map(|other| other.agent_id.clone());
    [said.agent_id.clone()].into_iter().chain(second).take(CANDIDATES_MAX).collect()
}

async fn evaluate_confidence(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Evaluated {
        pass: bool,
        action: String,
        reason: String,
    }
    let mut given = call.given()?;
    let agent = given.object("agent_config");
    let mut fields = Fields::within(&agent, "agent_config.").map_err(Failure::Arguments)?;
    let agent = Agent {
        agent_id: fields.text_up_to("agent_id", AGENT_CHARACTERS_MAX).unwrap_or_default(),
        is_default: fields.flag("is_default").unwrap_or_default(),
        clarification_required: fields.flag("clarification_required").unwrap_or_default(),
        confidence_threshold: given.share("threshold"),
        ..Agent::default()
    };
    let agent = fields.finish(agent).map_err(Failure::Arguments)?;
    let said = Classification {
        agent_id: agent.agent_id.clone(),
        confidence: given.share("confidence"),
        ambiguous: given.flag("ambiguous"),
        ..Classification::default()
    };
    let request = EvaluateGateRequest {
        context: Some(call.context(None)?),
        classification: Some(said),
        bypass: false,
        agent: Some(agent),
    };
    let decision = call.front.peers.router().evaluate_gate(peer(request)).await?.into_inner();
    let pass = decision.action == "route";
    told(&Evaluated { pass, action: decision.action, reason: decision.reason })
}
