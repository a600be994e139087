//! `mesh classify TEXT`: what the classifier would say of a text, with the definitions of a folder.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use chassis::config::Environment;
use chassis::{Life, Link, Mode, Resources};
use mesh::settings;
use proto::v1::ClassifyRequest;
use proto::v1::classifier_client::ClassifierClient;
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder with one YAML file an agent.
    #[arg(long, default_value = "./agents")]
    agents: PathBuf,
    /// The language of the text, when it is known.
    #[arg(long, default_value = "")]
    locale: String,
    /// What a customer would write.
    text: String,
}

/// Prints the classification as JSON.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    settings::point_at_shipped(&mut env);
    env.replace("AGENT_REGISTRY_DIR", &arguments.agents.display().to_string());
    env.replace("AGENT_HEALTH_INTERVAL_MS", "0");
    let registry = registry::Config::read(&mut env);
    let classifier = classifier::Config::read(&mut env);
    env.finish()?;
    chassis::telemetry::choose_tls();
    let life = Life::new();
    let resources =
        Resources { database: None, redis: None, life: life.clone(), mode: Mode::Development };
    let registry = registry::build(&registry, &resources).await?;
    let peers = classifier::Peers { registry: Link::local(registry) };
    let classifier = classifier::build(&classifier, &resources, peers).await?;
    let request = ClassifyRequest {
        context: None,
        text: arguments.text,
        locale: arguments.locale,
        prior_language: String::new(),
    };
    let answer =
        ClassifierClient::new(Link::local(classifier)).classify(request).await?.into_inner();
    life.close();
    let entities: Value =
        serde_json::from_str(&answer.entities_json).context("entities are an object")?;
    let scores: Vec<Value> = answer
        .agent_scores
        .iter()
        .map(|score| json!({"agent_id": score.agent_id, "score": score.score}))
        .collect();
    let body = json!({
        "agent_id": answer.agent_id,
        "confidence": answer.confidence,
        "ambiguous": answer.ambiguous,
        "detected_language": answer.detected_language,
        "intent_summary": answer.intent_summary,
        "entities": entities,
        "agent_scores": scores,
        "mode": answer.mode,
        "tier": answer.tier,
        "revision": answer.revision,
    });
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(&body)?)?;
    Ok(ExitCode::SUCCESS)
}
