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
use tokio::sync::{Semaphore, watch};
use tonic::{Request, Response, Status};

use crate::Config;
use crate::clarify::{self, Candidate, Key, Questions};
use crate::config::Injection;
use crate::entities;
use crate::judge::Judge;
use crate::language::{self, Detector};
use crate::model::{Model, Profile, Verdict};
use crate::standing::Standing;
use crate::summary::summarize;
use crate::vectors;

/// How long a call waits for the first generation, which a process that starts has in a moment.
const FIRST_GENERATION_WAIT: Duration = Duration::from_secs(2);
/// Why text that looks like an injection is not put to a language model.
const INJECTION: &str = "prompt_injection";
/// What can go wrong in the classifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// No generation was learned yet.
    #[error("the agents are not loaded yet")]
    NotLoaded,
    /// The local model broke on a text.
    #[error("the local model failed")]
    Broken,
}

/// The classifier as its server calls it.
#[derive(Debug)]
pub struct Service {
    config: Config,
    standing: watch::Receiver<Option<Arc<Standing>>>,
    detector: Detector,
    questions: Questions,
    judge: Option<Judge>,
    /// One place a core, for those whose text takes long.
    cores: Semaphore,
}

/// A classification and what the counters call it.
struct Decided {
    found: Classification,
    mode: &'static str,
    status: &'static str,
}

impl Service {
    /// A classifier of whatever generation stands; the judge decides if there is one.
    #[must_use]
    pub fn new(
        config: Config,
        standing: watch::Receiver<Option<Arc<Standing>>>,
        judge: Option<Judge>,
    ) -> Self {
        let kept = &config.clarification;
        let questions = Questions::new(kept.cache_size_max, kept.cache_ttl_ms);
        let cores = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        Self { config, standing, detector: Detector::default(), questions, judge, cores }
    }

    async fn standing(&self) -> Result<Arc<Standing>, Error> {
        let mut standing = self.standing.clone();
        let first = standing.wait_for(Option::is_some);
        match tokio::time::timeout(FIRST_GENERATION_WAIT, first).await {
            Ok(Ok(standing)) => standing.clone().ok_or(Error::NotLoaded),
            Ok(Err(_)) | Err(_) => Err(Error::NotLoaded),
        }
    }

    async fn decide(&self, request: &ClassifyRequest) -> Result<Decided, Error> {
        let standing = self.standing().await?;
        let text = &request.text;
        let entities = entities::find(text);
        let mut decided = self.judged(&standing, request).await?;
        let found = &mut decided.found;
        found.detected_language =
            self.detector.choose(text, &request.locale, &request.prior_language);
        // A summary from elsewhere may name people too.
        found.intent_summary = match found.intent_summary.trim() {
            "" => summarize(text, &entities),
            told => summarize(told, &entities::find(told)),
        };
        found.entities_json = entities::to_json(&entities).to_string();
        found.generation = standing.generation;
        Ok(decided)
    }

    /// By the language model if there is one that may be asked and answers, else by the local model.
    async fn judged(
        &self,
        standing: &Standing,
        request: &ClassifyRequest,
    ) -> Result<Decided, Error> {
        let local = self.local(standing, &request.text).await?;
        let Some(judge) = &self.judge else {
            return Ok(Decided { found: local, mode: "local", status: "success" });
        };
        if self.is_flagged(&request.text) {
            let found = Classification { fallback_reason: INJECTION.to_owned(), ..local };
            return Ok(Decided { found, mode: "local", status: "success" });
        }
        Ok(match judge.classify(&request.text, &standing.profiles).await {
            Ok(opinion) => {
                let margin = self.config.ambiguity_margin;
                Decided {
                    found: opinion.onto(local, margin, judge.model()),
                    mode: "llm",
                    status: "success",
                }
            }
            Err(failure) => {
                let request_id = request.context.as_ref().map_or("", |context| &context.request_id);
                let reason = failure.reason();
                tracing::info!(
                    audit = true,
                    event_type = "classifier.error",
                    request_id,
                    outcome = "failure",
                    failure_reason = reason,
                    "the local model decides in place of the language model"
                );
                let found = Classification { fallback_reason: reason.to_owned(), ..local };
                Decided { found, mode: "llm", status: reason }
            }
        })
    }

    fn is_flagged(&self, text: &str) -> bool {
        self.config.injection == Injection::Checked && chassis::screen::screen(text).is_flagged()
    }

    /// The question of the language model if there is one and it asks a proper one, else the template's. About nobody
    /// there is nothing to word: that question is the fixed one of its language.
    async fn question(
        &self,
        standing: &Standing,
        asked: &GenerateClarificationRequest,
        language: &str,
    ) -> String {
        let is_named = |profile: &&Profile| asked.candidates.contains(&profile.agent_id);
        let agents: Vec<&Profile> = standing.profiles.iter().filter(is_named).collect();
        let may_ask = !agents.is_empty() && !self.is_flagged(&asked.text);
        if let Some(judge) = self.judge.as_ref().filter(|_| may_ask) {
            let told = judge.question(&asked.text, &agents, language).await;
            if let Some(question) = told.ok().as_deref().and_then(clarify::checked) {
                return question;
            }
        }
        let candidates: Vec<&Candidate> =
            asked.candidates.iter().filter_map(|id| standing.candidates.get(id)).collect();
        clarify::question(&candidates, language)
    }

    async fn local(&self, standing: &Standing, text: &str) -> Result<Classification, Error> {
        let verdict = self.verdict(&standing.model, text).await?;
        let tier = standing.model.tier();
        let score = |(agent_id, score)| AgentScore { agent_id, score };
        Ok(Classification {
            agent_id: verdict.agent_id,
            confidence: verdict.confidence,
            ambiguous: verdict.ambiguous,
            agent_scores: verdict.scores.into_iter().map(score).collect(),
            mode: "local".to_owned(),
            tier: tier.name().to_owned(),
            revision: tier.revision().to_owned(),
            ..Classification::default()
        })
    }

    /// A text that takes long waits for a core of its own, away from the asynchronous threads.
    async fn verdict(&self, model: &Arc<Model>, text: &str) -> Result<Verdict, Error> {
        let margin = self.config.ambiguity_margin;
        if !model.tier().is_slow() {
            return Ok(model.classify(text, margin));
        }
        let _core = self.cores.acquire().await.map_err(|_| Error::Broken)?;
        let (model, text) = (model.clone(), text.to_owned());
        let judging = tokio::task::spawn_blocking(move || model.classify(&text, margin));
        judging.await.map_err(|error| {
            tracing::error!(%error, "the local model failed");
            Error::Broken
        })
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
        let (mode, status) = match &decided {
            Ok(decided) => (decided.mode, decided.status),
            Err(_) => (self.config.mode.name(), "failure"),
        };
        metrics::counter!("classifier.calls", "status" => status, "mode" => mode).increment(1);
        let took_ms = started.elapsed().as_secs_f64() * 1e3;
        metrics::histogram!("classifier.calls.duration_ms", "mode" => mode).record(took_ms);
        Ok(Response::new(decided?.found))
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
        let language =
            language::primary(&asked.language).unwrap_or_else(|| language::FALLBACK.to_owned());
        let key = Key::new(&asked.candidates, &language, &asked.text, standing.generation);
        let now_ms = chassis::clock::now_ms();
        if let Some(question) = self.questions.get(&key, now_ms) {
            return Ok(Response::new(GenerateClarificationResponse { question, cached: true }));
        }
        let question = self.question(&standing, &asked, &language).await;
        self.questions.put(key, &question, now_ms);
        Ok(Response::new(GenerateClarificationResponse { question, cached: false }))
    }

    async fn get_status(
        &self,
        _request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let standing = self.standing.borrow().clone();
        let (tier, revision) = match (&self.judge, &standing) {
            (Some(judge), _) => ("llm", judge.model()),
            (None, Some(standing)) => {
                (standing.model.tier().name(), standing.model.tier().revision())
            }
            (None, None) => ("static", vectors::REVISION),
        };
        Ok(Response::new(GetStatusResponse {
            mode: self.config.mode.name().to_owned(),
            tier: tier.to_owned(),
            provider_state: self.judge.as_ref().map_or("none", Judge::state).to_owned(),
            generation: standing.as_ref().map_or(0, |standing| standing.generation),
            languages: language::LISTED.map(str::to_owned).to_vec(),
            revision: revision.to_owned(),
            learning: standing.as_ref().is_none_or(|standing| standing.is_learning),
        }))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotLoaded => fault(Kind::Unavailable, "registry_not_loaded", &error),
            Error::Broken => fault(Kind::Internal, "internal", &error),
        }
    }
}
