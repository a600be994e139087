//! Chat completions, as OpenAI, vLLM, Ollama and many others speak them.

use serde_json::{Value, json};

use super::{Ask, Call, Provider, Usage, below};
use crate::config::{Key, ProviderConfig};

#[derive(Debug)]
pub(super) struct OpenAi {
    config: ProviderConfig,
    model: String,
}

impl OpenAi {
    pub(super) fn new(config: &ProviderConfig) -> Self {
        Self { config: config.clone(), model: config.model.clone().unwrap_or_default() }
    }
}

impl Provider for OpenAi {
    fn call(&self, ask: &Ask) -> Call {
        let mut body = json!({
            "model": self.model,
            "messages": [
                {"role": "system", "content": ask.system},
                {"role": "user", "content": ask.user},
            ],
            "temperature": ask.temperature,
            "max_tokens": ask.tokens_max,
        });
        if ask.is_json {
            body["response_format"] = json!({"type": "json_object"});
        }
        let bearer = |key: &Key| ("authorization", format!("Bearer {}", key.reveal()));
        Call {
            url: below(&self.config.url, "chat/completions"),
            headers: self.config.api_key.iter().map(bearer).collect(),
            body,
        }
    }

    fn text(&self, body: &Value) -> Option<String> {
        body.pointer("/choices/0/message/content")?.as_str().map(str::to_owned)
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn name(&self) -> &'static str {
        "openai"
    }

    fn usage(&self, body: &Value) -> Usage {
        Usage::read(body, ["/model", "/usage/prompt_tokens", "/usage/completion_tokens"])
    }
}
