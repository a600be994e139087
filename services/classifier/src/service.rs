//! The calls of the classifier.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::fault::{Kind, fault};
use proto::v1::classifier_server::Classifier;
use proto::v1::{
    AgentScore, Classification, ClassifyRequest, DetectLanguageRequest, DetectLanguageResponse,
    GenerateClarificationRequest, GenerateClarificationResponse, GetStatusRequest,
    GetStatusResponse,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::Config;
use crate::clarify::{self, Candidate, Key, Questions};
use crate::entities;
use crate::language::{self, Detector};
use crate::standing::Standing;
use crate::summary::summarize;
use crate::vectors;

/// How long a call waits for the first generation, which a process that starts has in a moment.
const FIRST_GENERATION_WAIT: Duration = Duration::from_secs(2);
/// The tier of the local model.
const TIER: &str = "static";

/// What can go wrong in the classifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// No generation was learned yet.
    #[error("the agents are not loaded yet")]
    NotLoaded,
}

/// The classifier as its server calls it.
#[derive(Debug)]
pub struct Service {
    config: Config,
    standing: watch::Receiver<Option<Arc<Standing>>>,
    detector: Detector,
    questions: Questions,
}

impl Service {
    /// A classifier of whatever generation stands.
    #[must_use]
    pub fn new(config: Config, standing: watch::Receiver<Option<Arc<Standing>>>) -> Self {
        let kept = &config.clarification;
        let questions = Questions::new(kept.cache_size_max, kept.cache_ttl_ms);
        Self { config, standing, detector: Detector::default(), questions }
    }

    async fn standing(&self) -> Result<Arc<Standing>, Error> {
        let mut standing = self.standing.clone();
        let first = standing.wait_for(Option::is_some);
        match tokio::time::timeout(FIRST_GENERATION_WAIT, first).await {
            Ok(Ok(standing)) => standing.clone().ok_or(Error::NotLoaded),
            Ok(Err(_)) | Err(_) => Err(Error::NotLoaded),
        }
    }

    async fn decide(&self, request: &ClassifyRequest) -> Result<Classification, Error> {
        let standing = self.standing().await?;
        let text = &request.text;
        let found = entities::find(text);
        let local = self.local(&standing, text);
        Ok(Classification {
            detected_language: self.detector.choose(text, &request.locale, &request.prior_language),
            intent_summary: summarize(text, &found),
            entities_json: entities::to_json(&found).to_string(),
            generation: standing.generation,
            ..local
        })
    }

    fn local(&self, standing: &Standing, text: &str) -> Classification {
        let verdict = standing.model.classify(text, self.config.ambiguity_margin);
        let score = |(agent_id, score)| AgentScore { agent_id, score };
        Classification {
            agent_id: verdict.agent_id,
            confidence: verdict.confidence,
            ambiguous: verdict.ambiguous,
            agent_scores: verdict.scores.into_iter().map(score).collect(),
            mode: "local".to_owned(),
            tier: TIER.to_owned(),
            revision: vectors::REVISION.to_owned(),
            ..Classification::default()
        }
    }
}

#[tonic::async_trait]
impl Classifier for Service {
    #[tracing::instrument(name = "classifier.classify", skip_all)]
    async fn classify(
        &self,
        request: Request<ClassifyRequest>,
    ) -> Result<Response<Classification>, Status> {
        let started = Instant::now();
        let decided = self.decide(request.get_ref()).await;
        let mode = self.config.mode.name();
        let status = if decided.is_ok() { "success" } else { "failure" };
        metrics::counter!("classifier.calls", "status" => status, "mode" => mode).increment(1);
        let took_ms = started.elapsed().as_secs_f64() * 1e3;
        metrics::histogram!("classifier.calls.duration_ms", "mode" => mode).record(took_ms);
        Ok(Response::new(decided?))
    }

    async fn detect_language(
        &self,
        request: Request<DetectLanguageRequest>,
    ) -> Result<Response<DetectLanguageResponse>, Status> {
        let guess = self.detector.detect(&request.get_ref().text);
        Ok(Response::new(DetectLanguageResponse {
            language: guess.language.to_owned(),
            confidence: guess.confidence,
        }))
    }

    async fn generate_clarification(
        &self,
        request: Request<GenerateClarificationRequest>,
    ) -> Result<Response<GenerateClarificationResponse>, Status> {
        let asked = request.into_inner();
        let standing = self.standing().await?;
        let language = language::primary(&asked.language).unwrap_or_default();
        let key = Key::new(&asked.candidates, &language, &asked.text, standing.generation);
        let now_ms = chassis::clock::now_ms();
        if let Some(question) = self.questions.get(&key, now_ms) {
            return Ok(Response::new(GenerateClarificationResponse { question, cached: true }));
        }
        let candidates: Vec<&Candidate> =
            asked.candidates.iter().filter_map(|id| standing.candidates.get(id)).collect();
        let question = clarify::question(&candidates, &language);
        self.questions.put(key, &question, now_ms);
        Ok(Response::new(GenerateClarificationResponse { question, cached: false }))
    }

    async fn get_status(
        &self,
        _request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let generation = self.standing.borrow().as_ref().map_or(0, |standing| standing.generation);
        Ok(Response::new(GetStatusResponse {
            mode: self.config.mode.name().to_owned(),
            tier: TIER.to_owned(),
            provider_state: "none".to_owned(),
            generation,
            languages: language::LISTED.map(str::to_owned).to_vec(),
            revision: vectors::REVISION.to_owned(),
        }))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotLoaded => fault(Kind::Unavailable, "registry_not_loaded", &error),
        }
    }
}
