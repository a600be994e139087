//! Messages, as Anthropic speaks them.

use serde_json::{Value, json};

use super::{Ask, Call, Provider, Usage, below};
use crate::config::ProviderConfig;

const VERSION: &str = "2023-06-01";
/// The highest temperature that the format knows.
const TEMPERATURE_MAX: f64 = 1.0;

#[derive(Debug)]
pub(super) struct Anthropic {
    config: ProviderConfig,
    model: String,
}

impl Anthropic {
    pub(super) fn new(config: &ProviderConfig) -> Self {
        Self { config: config.clone(), model: config.model.clone().unwrap_or_default() }
    }
}

impl Provider for Anthropic {
    fn call(&self, ask: &Ask) -> Call {
        let key = self.config.api_key.iter().map(|key| ("x-api-key", key.reveal().to_owned()));
        Call {
            url: below(&self.config.url, "messages"),
            headers: key.chain([("anthropic-version", VERSION.to_owned())]).collect(),
            body: json!({
                "model": self.model,
                "max_tokens": ask.tokens_max,
                "temperature": ask.temperature.min(TEMPERATURE_MAX),
                "system": ask.system,
                "messages": [{"role": "user", "content": ask.user}],
            }),
        }
    }

    fn text(&self, body: &Value) -> Option<String> {
        let blocks = body.get("content")?.as_array()?;
        let texts: Vec<&str> = blocks
            .iter()
            .filter(|block| block.get("type").and_then(Value::as_str) == Some("text"))
            .filter_map(|block| block.get("text")?.as_str())
            .collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn usage(&self, body: &Value) -> Usage {
        Usage::read(body, ["/model", "/usage/input_tokens", "/usage/output_tokens"])
    }
}
