//! The settings of the classifier.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chassis::config::Environment;
use url::Url;

/// Where the sentence model is looked for when no setting names a folder, and where it is put.
pub const MODEL_DIR: &str = "models/all-MiniLM-L6-v2";

/// The settings of the classifier.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who decides.
    pub mode: Mode,
    /// The language model that decides in mode `llm`.
    pub provider: ProviderConfig,
    /// Two agents closer than this make a classification ambiguous.
    pub ambiguity_margin: f64,
    /// The folder of the sentence model; when none is named, the usual one is used if it exists.
    pub model_dir: Option<PathBuf>,
    /// What happens to text that looks like an attempt to instruct the model.
    pub injection: Injection,
    /// How questions are asked.
    pub clarification: ClarificationConfig,
}

/// Who decides which agent a text is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The model in this process.
    Local,
    /// A language model behind a URL, with the local one as its substitute.
    Llm,
}

/// The wire format that a language model speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Chat completions, as many servers speak them.
    OpenAi,
    /// `generateContent`.
    Gemini,
    /// Messages.
    Anthropic,
}

/// Whether text is checked for instructions to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// Not checked.
    Off,
    /// Checked; flagged text is never sent to a provider.
    Checked,
}

/// What proves that we may call a language model; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// How to reach a language model.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The wire format.
    pub kind: ProviderKind,
    /// The base address.
    pub url: Url,
    /// The name of the model; each provider has its own default.
    pub model: Option<String>,
    /// What proves that we may call it.
    pub api_key: Option<Key>,
    /// The longest that one classification may take with all its attempts.
    pub timeout: Duration,
    /// How often a call is made that is answered with a rate limit.
    pub attempts_max: u32,
    /// How freely the model answers.
    pub temperature: f64,
}

/// How questions are asked and kept.
#[derive(Clone, Debug)]
pub struct ClarificationConfig {
    /// How freely a language model words them.
    pub temperature: f64,
    /// How long its answer may be.
    pub tokens_max: i64,
    /// How long a question is kept.
    pub cache_ttl_ms: i64,
    /// How many questions are kept.
    pub cache_size_max: usize,
}

impl Key {
    /// The key itself, for the header that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Config {
    /// Reads the settings, and adds to the faults of the environment.
    pub fn read(env: &mut Environment) -> Self {
        let modes = [("local", Mode::Local), ("llm", Mode::Llm)];
        let injections =
            [("off", Injection::Off), ("flag", Injection::Checked), ("block", Injection::Checked)];
        let mode = env.choice("CLASSIFIER_MODE", Mode::Local, &modes);
        Self {
            mode,
            provider: ProviderConfig::read(env, mode),
            ambiguity_margin: env.number("CLASSIFIER_AMBIGUITY_MARGIN", 0.1, 0.0..=1.0),
            model_dir: env.text("CLASSIFIER_MODEL_DIR").map(PathBuf::from),
            injection: env.choice("PROMPT_INJECTION_ACTION", Injection::Checked, &injections),
            clarification: ClarificationConfig::read(env),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::of([] as [(&str, &str); 0]))
    }
}

impl ProviderConfig {
    fn read(env: &mut Environment, mode: Mode) -> Self {
        let kinds = [
            ("openai", ProviderKind::OpenAi),
            ("gemini", ProviderKind::Gemini),
            ("anthropic", ProviderKind::Anthropic),
        ];
        let kind = env.choice("CLASSIFIER_PROVIDER", ProviderKind::OpenAi, &kinds);
        let url = env.url_or("CLASSIFIER_URL", kind.public_url());
        let model = env.text("CLASSIFIER_MODEL");
        let api_key = env.text("CLASSIFIER_API_KEY").map(Key);
        let is_public = url.as_str() == kind.public_url();
        if mode == Mode::Llm {
            if model.is_none() && kind != ProviderKind::Gemini {
                env.fault("CLASSIFIER_MODEL", "is required when CLASSIFIER_MODE is llm");
            }
            if api_key.is_none() && is_public {
                env.fault(
                    "CLASSIFIER_API_KEY",
                    "is required when CLASSIFIER_MODE is llm, except for a server of your own",
                );
            }
        }
        Self {
            kind,
            url,
            model,
            api_key,
            timeout: Duration::from_millis(
                env.millis("CLASSIFIER_TIMEOUT_MS", 2_000, 100..=60_000).unsigned_abs(),
            ),
            attempts_max: u32::try_from(env.integer("CLASSIFIER_MAX_ATTEMPTS", 3, 1..=5))
                .unwrap_or(1),
            temperature: env.number("CLASSIFIER_TEMPERATURE", 0.1, 0.0..=2.0),
        }
    }
}

impl ClarificationConfig {
    fn read(env: &mut Environment) -> Self {
        let size = env.integer("CLARIFICATION_CACHE_MAX_SIZE", 1_000, 1..=1_000_000);
        Self {
            temperature: env.number("CLARIFICATION_TEMPERATURE", 0.3, 0.0..=2.0),
            tokens_max: env.integer("CLARIFICATION_MAX_TOKENS", 128, 16..=1_024),
            cache_ttl_ms: env.millis("CLARIFICATION_CACHE_TTL_MS", 300_000, 1_000..=i64::MAX),
            cache_size_max: usize::try_from(size).unwrap_or(1),
        }
    }
}

impl Mode {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Llm => "llm",
        }
    }
}

impl ProviderKind {
    fn public_url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta",
            Self::Anthropic => "https://api.anthropic.com/v1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_the_local_model() {
        let config = Config::default();
        assert_eq!((config.mode, config.injection), (Mode::Local, Injection::Checked));
        assert_eq!(config.provider.url.as_str(), "https://api.openai.com/v1");
    }

    #[test]
    fn a_language_model_needs_a_name_and_a_key_unless_it_is_local() {
        let cases = [
            (vec![("CLASSIFIER_MODE", "llm")], 2),
            (vec![("CLASSIFIER_MODE", "llm"), ("CLASSIFIER_MODEL", "m")], 1),
            (
                vec![
                    ("CLASSIFIER_MODE", "llm"),
                    ("CLASSIFIER_MODEL", "m"),
                    ("CLASSIFIER_API_KEY", "k"),
                ],
                0,
            ),
            (
                vec![
                    ("CLASSIFIER_MODE", "llm"),
                    ("CLASSIFIER_MODEL", "m"),
                    ("CLASSIFIER_URL", "http://127.0.0.1:11434/v1"),
                ],
                0,
            ),
            (vec![("CLASSIFIER_MODE", "llm"), ("CLASSIFIER_PROVIDER", "gemini")], 1),
            (
                vec![
                    ("CLASSIFIER_MODE", "llm"),
                    ("CLASSIFIER_MODEL", "m"),
                    ("CLASSIFIER_URL", "http://llm:8000/v1"),
                ],
                0,
            ),
            (vec![("CLASSIFIER_MODE", "cloud")], 1),
        ];
        for (variables, faults) in cases {
            let mut env = Environment::of(variables.clone());
            Config::read(&mut env);
            let found = env.finish().err().map_or(0, |errors| errors.0.len());
            assert_eq!(found, faults, "{variables:?}");
        }
    }
}
