//! Language models behind a URL: what to send them and how to read their answers, one file a provider.

mod anthropic;
mod gemini;
mod openai;

use std::fmt::Debug;

use serde_json::Value;
use url::Url;

use crate::config::{ProviderConfig, ProviderKind};

/// What a language model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What it is to do.
    pub system: String,
    /// What it is to do it with.
    pub user: String,
    /// How freely it answers.
    pub temperature: f64,
    /// How long its answer may be.
    pub tokens_max: i64,
    /// Whether the answer is to be a JSON object.
    pub is_json: bool,
}

/// A call as it goes over the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Where it goes.
    pub url: Url,
    /// The headers besides the content type; their values are secret.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Value,
}

/// What a call has used, as far as the answer says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens read.
    pub input_tokens: Option<i64>,
    /// Tokens written.
    pub output_tokens: Option<i64>,
}

impl Usage {
    /// Reads the three from where a wire format has them.
    fn read(body: &Value, [model, input, output]: [&str; 3]) -> Self {
        let number = |pointer| body.pointer(pointer).and_then(Value::as_i64);
        Self {
            model: body.pointer(model).and_then(Value::as_str).map(str::to_owned),
            input_tokens: number(input),
            output_tokens: number(output),
        }
    }
}

/// A wire format.
pub trait Provider: Debug + Send + Sync {
    /// The call that puts a question.
    fn call(&self, ask: &Ask) -> Call;

    /// The text of an answer; none when the body is no answer.
    fn text(&self, body: &Value) -> Option<String>;

    /// The model that answers.
    fn model(&self) -> &str;

    /// Its name among the providers that OpenTelemetry knows.
    fn name(&self) -> &'static str;

    /// What an answer says it has used.
    fn usage(&self, body: &Value) -> Usage;
}

/// The provider that the settings name.
#[must_use]
pub fn of(config: &ProviderConfig) -> Box<dyn Provider> {
    match config.kind {
        ProviderKind::OpenAi => Box::new(openai::OpenAi::new(config)),
        ProviderKind::Gemini => Box::new(gemini::Gemini::new(config)),
        ProviderKind::Anthropic => Box::new(anthropic::Anthropic::new(config)),
    }
}

/// The address below a base that may or may not end in a slash.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
