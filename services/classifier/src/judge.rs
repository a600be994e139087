//! A language model that decides in place of the local one: asked within a deadline, checked, and left alone while it is
//! down.

mod opinion;
mod prompt;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chassis::clock;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::breaker::Breaker;
use crate::config::{ClarificationConfig, ProviderConfig};
use crate::model::Profile;
use crate::provider::{self, Ask, Provider, Usage};

pub use opinion::Opinion;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Tokens that an opinion may take.
const OPINION_TOKENS_MAX: i64 = 300;
/// The first wait after a rate limit; it doubles, and each wait is between half of it and the whole.
const WAIT: Duration = Duration::from_millis(100);

/// Why a language model was of no use this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It took too long.
    Timeout,
    /// It could not be reached, refused, or is left alone for now.
    Provider,
    /// What it said was not what it was asked for.
    Unreadable,
    /// It named an agent that there is not.
    UnknownAgent,
}

impl Failure {
    /// Its name on the wire.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Provider => "provider_error",
            Self::Unreadable => "json_parse_error",
            Self::UnknownAgent => "unknown_agent",
        }
    }
}

/// A language model with what is known of its health.
#[derive(Debug)]
pub struct Judge {
    provider: Box<dyn Provider>,
    config: ProviderConfig,
    clarification: ClarificationConfig,
    client: Client,
    breaker: Mutex<Breaker>,
}

enum Attempt {
    Answer(String),
    RateLimited,
    Failed(Failure),
}

impl Attempt {
    fn error(&self) -> Option<&'static str> {
        match self {
            Self::Answer(_) => None,
            Self::RateLimited => Some("rate_limited"),
            Self::Failed(failure) => Some(failure.reason()),
        }
    }
}

impl Judge {
    /// The language model that the settings name.
    ///
    /// # Errors
    /// When there is no TLS on this system.
    pub fn new(
        config: &ProviderConfig,
        clarification: &ClarificationConfig,
    ) -> reqwest::Result<Self> {
        // Another part of the process may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            provider: provider::of(config),
            config: config.clone(),
            clarification: clarification.clone(),
            client: Client::builder()
                .timeout(config.timeout)
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            breaker: Mutex::default(),
        })
    }

    /// The model that answers.
    #[must_use]
    pub fn model(&self) -> &str {
        self.provider.model()
    }

    /// Whether the provider is being called: `closed`, `open` or `half_open`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).name()
    }

    /// Which of these agents a text is meant for.
    ///
    /// # Errors
    /// When no usable answer came in time.
    pub async fn classify(&self, text: &str, profiles: &[Profile]) -> Result<Opinion, Failure> {
        let (system, user) = prompt::classify(text, profiles);
        let temperature = self.config.temperature;
        let ask = Ask { system, user, temperature, tokens_max: OPINION_TOKENS_MAX, is_json: true };
        let opinion = prompt::read(&self.ask(&ask).await?).ok_or(Failure::Unreadable)?;
        let is_known = profiles.iter().any(|profile| profile.agent_id == opinion.agent_id);
        if is_known { Ok(opinion) } else { Err(Failure::UnknownAgent) }
    }

    /// A question that tells these agents apart, in a language.
    ///
    /// # Errors
    /// When no answer came in time. What came may still be no question.
    pub async fn question(
        &self,
        text: &str,
        agents: &[&Profile],
        language: &str,
    ) -> Result<String, Failure> {
        let (system, user) = prompt::clarify(text, agents, language);
        let kept = &self.clarification;
        let (temperature, tokens_max) = (kept.temperature, kept.tokens_max);
        self.ask(&Ask { system, user, temperature, tokens_max, is_json: false }).await
    }

    async fn ask(&self, ask: &Ask) -> Result<String, Failure> {
        self.admit()?;
        let answer = tokio::time::timeout(self.config.timeout, self.attempts(ask)).await;
        let answer = answer.unwrap_or(Err(Failure::Timeout));
        // An answer that cannot be read shows that somebody is there.
        let is_down = matches!(answer, Err(Failure::Timeout | Failure::Provider));
        self.change(
            |breaker| if is_down { breaker.failed(clock::now_ms()) } else { breaker.answered() },
        );
        answer
    }

    fn admit(&self) -> Result<(), Failure> {
        let limit_ms = i64::try_from(self.config.timeout.as_millis()).unwrap_or(i64::MAX);
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        *breaker = breaker.admit(clock::now_ms(), limit_ms).ok_or(Failure::Provider)?;
        Ok(())
    }

    fn change(&self, next: impl FnOnce(Breaker) -> Breaker) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        *breaker = next(*breaker);
    }

    /// Calls again after rate limits only.
    async fn attempts(&self, ask: &Ask) -> Result<String, Failure> {
        let mut wait = WAIT;
        for attempt in 1..=self.config.attempts_max {
            match self.attempt(ask).instrument(self.span(ask)).await {
                Attempt::Answer(text) => return Ok(text),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::RateLimited if attempt == self.config.attempts_max => break,
                Attempt::RateLimited => {
                    tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..=1.0))).await;
                    wait *= 2;
                }
            }
        }
        Err(Failure::Provider)
    }

    /// The span of a call, with the attributes that OpenTelemetry gives the call of a model.
    fn span(&self, ask: &Ask) -> Span {
        tracing::info_span!(
            "chat",
            otel.name = format!("chat {}", self.provider.model()),
            otel.kind = "client",
            otel.status_code = Empty,
            error.type = Empty,
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = self.provider.name(),
            gen_ai.request.model = self.provider.model(),
            gen_ai.request.temperature = ask.temperature,
            gen_ai.request.max_tokens = ask.tokens_max,
            gen_ai.response.model = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
        )
    }

    async fn attempt(&self, ask: &Ask) -> Attempt {
        let attempt = self.exchange(ask).await;
        if let Some(kind) = attempt.error() {
            Span::current().record("error.type", kind).record("otel.status_code", "ERROR");
        }
        attempt
    }

    async fn exchange(&self, ask: &Ask) -> Attempt {
        let call = self.provider.call(ask);
        let mut request = self.client.post(call.url).json(&call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => return Attempt::Failed(Failure::Timeout),
            Err(error) => {
                tracing::warn!(error = %error.without_url(), "the language model cannot be reached");
                return Attempt::Failed(Failure::Provider);
            }
        };
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Attempt::RateLimited;
        }
        if !status.is_success() {
            tracing::warn!(status = status.as_u16(), "the language model refused");
            return Attempt::Failed(Failure::Provider);
        }
        match self.answer(response).await {
            Ok(text) => Attempt::Answer(text),
            Err(failure) => Attempt::Failed(failure),
        }
    }

    async fn answer(&self, mut response: reqwest::Response) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if ANSWER_BYTES_MAX < bytes.len() + chunk.len() {
                return Err(Failure::Unreadable);
            }
            bytes.extend_from_slice(&chunk);
        }
        let body: Value = serde_json::from_slice(&bytes).map_err(|_| Failure::Unreadable)?;
        note_usage(&self.provider.usage(&body));
        self.provider.text(&body).ok_or(Failure::Unreadable)
    }
}

fn note_usage(usage: &Usage) {
    let span = Span::current();
    span.record("gen_ai.response.model", usage.model.as_deref());
    span.record("gen_ai.usage.input_tokens", usage.input_tokens);
    span.record("gen_ai.usage.output_tokens", usage.output_tokens);
}

fn broken(error: reqwest::Error) -> Failure {
    if error.is_timeout() { Failure::Timeout } else { Failure::Provider }
}
