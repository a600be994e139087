//! A turn that ends with a question (contract, section 13).

use chassis::clock;
use proto::v1::GenerateClarificationRequest;

use super::progress::MESH;
use super::{Step, Turn};
use crate::body::Clarification;
use crate::clarification::{Kind, Pending};
use crate::ending::Ending;
use crate::error::Error;
use crate::session::Change;
use crate::store::Mark;

/// What is asked when nobody can put it better.
const PLAIN_QUESTION: &str = "Could you tell me a little more about what you need?";

/// What the user is to be asked.
#[derive(Debug)]
pub(super) struct Question {
    /// Its words; absent: the classifier finds them.
    pub text: Option<String>,
    /// Whom the user may choose from, the suggested agent first.
    pub candidates: Vec<String>,
    /// Why it is asked.
    pub reason: String,
    /// What the answer decides.
    pub kind: Kind,
    /// What an agent has answered before.
    pub message: Option<String>,
}

impl Turn {
    pub(super) async fn ask_back(&mut self, question: Question) -> Result<Step, Error> {
        let text = match &question.text {
            Some(text) => text.clone(),
            None => self.word(&question.candidates).await?,
        };
        let suggested = question.candidates.first().cloned().unwrap_or_default();
        let attempt = self.sense.attempts + 1;
        let now_ms = clock::now_ms();
        let clarification = Clarification {
            request_id: self.ask.context.request_id.clone(),
            session_id: self.session.session_id.clone(),
            session_new: self.session_new,
            question: text.clone(),
            suggested_agent: suggested.clone(),
            candidate_agents: question.candidates.clone(),
            reason: question.reason.clone(),
            attempt,
            message: question.message,
        };
        let pending = Pending {
            question: text.clone(),
            original_input: self.sense.text.clone(),
            candidates: question.candidates,
            language: self.sense.language.clone(),
            attempt,
            kind: question.kind,
            expires_ms: now_ms.saturating_add(self.engine.config.clarification.ttl_ms),
        };
        let change = Change {
            pending: Some(pending),
            classified: self.sense.classified.clone(),
            ..Change::default()
        };
        let ending = Ending::Result {
            body: clarification.body(self.duration_ms()),
            budget: self.progress.headers.clone(),
        };
        self.record.outcome = "clarification".to_owned();
        let mut page = self.page(Mark::Final(ending.clone(), self.record.json()), now_ms);
        page.entry = Some(self.entry(MESH, &text, now_ms));
        page.change = change;
        self.persist(page).await?;
        metrics::counter!("confidence.clarification.count", "agent_id" => suggested.clone())
            .increment(1);
        let (request_id, session_id) = (&self.ask.context.request_id, &self.session.session_id);
        tracing::info!(
            audit = true,
            event_type = "clarification.requested",
            request_id,
            session_id,
            agent_id = suggested,
            reason = question.reason,
            outcome = "success",
            "the user was asked back"
        );
        Ok(Step::Rest(ending))
    }

    async fn word(&self, candidates: &[String]) -> Result<String, Error> {
        let request = GenerateClarificationRequest {
            context: Some(self.ask.context.clone()),
            candidates: candidates.to_vec(),
            text: self.sense.text.clone(),
            language: self.sense.language.clone(),
            intent_summary: self.sense.intent_summary.clone(),
        };
        let worded = self.bounded(self.engine.peers.question(request)).await?;
        Ok(worded.unwrap_or_else(|error| {
            tracing::warn!(%error, "a question could not be worded");
            PLAIN_QUESTION.to_owned()
        }))
    }
}
