//! `generateContent`, as Gemini speaks it.

use serde_json::{Value, json};

use super::{Ask, Call, Provider, Usage, below};
use crate::config::{Key, ProviderConfig};

const MODEL: &str = "gemini-2.0-flash";

#[derive(Debug)]
pub(super) struct Gemini {
    config: ProviderConfig,
    model: String,
}

impl Gemini {
    pub(super) fn new(config: &ProviderConfig) -> Self {
        let model = config.model.clone().unwrap_or_else(|| MODEL.to_owned());
        Self { config: config.clone(), model }
    }
}

impl Provider for Gemini {
    fn call(&self, ask: &Ask) -> Call {
        let mut generation = json!({
            "temperature": ask.temperature,
            "maxOutputTokens": ask.tokens_max,
        });
        if ask.is_json {
            generation["responseMimeType"] = json!("application/json");
        }
        let key = |key: &Key| ("x-goog-api-key", key.reveal().to_owned());
        Call {
            url: below(&self.config.url, &format!("models/{}:generateContent", self.model)),
            headers: self.config.api_key.iter().map(key).collect(),
            body: json!({
                "systemInstruction": {"parts": [{"text": ask.system}]},
                "contents": [{"role": "user", "parts": [{"text": ask.user}]}],
                "generationConfig": generation,
            }),
        }
    }

    fn text(&self, body: &Value) -> Option<String> {
        let parts = body.pointer("/candidates/0/content/parts")?.as_array()?;
        let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn name(&self) -> &'static str {
        "gcp.gemini"
    }

    fn usage(&self, body: &Value) -> Usage {
        Usage::read(
            body,
            [
                "/modelVersion",
                "/usageMetadata/promptTokenCount",
                "/usageMetadata/candidatesTokenCount",
            ],
        )
    }
}
