//! `mesh classify TEXT`: what the classifier would say of a text, with the definitions of a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use proto::v1::Classification;
use serde_json::{Value, json};

use crate::answer;
use crate::learned::Learned;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mesh classify \"where is my parcel?\" | jq .agent_id")]
pub(crate) struct Arguments {
    /// The folder with one YAML file an agent.
    #[arg(long, default_value = "./agents", value_name = "DIR")]
    agents: PathBuf,
    /// The language of the text, when it is known.
    #[arg(long, default_value = "", value_name = "TAG")]
    locale: String,
    /// What a customer would write.
    text: String,
}

/// Prints the classification as JSON.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let learned = Learned::open(&arguments.agents).await?;
    let classification = learned.classify(&arguments.text, &arguments.locale).await?;
    answer::write_json(&body(&classification)?)?;
    Ok(ExitCode::SUCCESS)
}

fn body(said: &Classification) -> anyhow::Result<Value> {
    let entities: Value =
        serde_json::from_str(&said.entities_json).context("entities are an object")?;
    let scores: Vec<Value> = said
        .agent_scores
        .iter()
        .map(|score| json!({"agent_id": score.agent_id, "score": score.score}))
        .collect();
    let mut body = json!({
        "agent_id": said.agent_id,
        "confidence": said.confidence,
        "ambiguous": said.ambiguous,
        "detected_language": said.detected_language,
        "intent_summary": said.intent_summary,
        "entities": entities,
        "agent_scores": scores,
        "mode": said.mode,
        "tier": said.tier,
        "revision": said.revision,
    });
    if !said.fallback_reason.is_empty() {
        body["fallback_reason"] = said.fallback_reason.as_str().into();
    }
    Ok(body)
}
