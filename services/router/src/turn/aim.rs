//! Step 3: the session's agent goes on, or the text is classified, or it answers a question that was asked before.

use chassis::clock;
use proto::v1::turn_event::Event;
use proto::v1::{Classification, Classified as ClassifiedEvent, ClassifyRequest};
use tracing::Instrument as _;

use super::Turn;
use super::progress::Sense;
use crate::clarification::{Kind, Named, Pending, choose, combine};
use crate::error::Error;
use crate::record;
use crate::session::Classified;

/// How much of the text the agent of a session gets as its entities.
const PREVIEW_CHARS: usize = 120;

/// Whom a turn is for.
pub(super) enum Aim {
    /// The session's agent.
    Bypass,
    /// The agent that the user chose when asked.
    Chosen(String),
    /// The agent of a classification; absent when the classifier cannot be asked.
    Classified(Option<Classification>),
    /// One of the agents that the user was asked about, or, when none of them wins, the session's.
    Among(Vec<String>, Option<Classification>),
}

impl Turn {
    pub(super) async fn classify(&mut self) -> Result<Aim, Error> {
        let began = std::time::Instant::now();
        let aim = self.take_aim().await?;
        self.record.time("classify", began);
        Ok(aim)
    }

    async fn take_aim(&mut self) -> Result<Aim, Error> {
        if let Some(pending) = self.session.asked(clock::now_ms()).cloned() {
            return self.resolve(pending).await;
        }
        self.sense.text.clone_from(&self.ask.input);
        let has_agent = !self.session.active_agent.is_empty();
        if has_agent && self.engine.config.turn.bypass {
            self.record.bypass = true;
            self.sense = self.unclassified();
            return Ok(Aim::Bypass);
        }
        // A score made without the session's language counts only where the session has none.
        let guess = self.guess.take().filter(|_| self.session.language.is_empty());
        let said = match guess {
            Some(guess) => self.bounded(guess).await?,
            None => {
                let text = self.sense.text.clone();
                self.ask_classifier(text, &self.session.language).await?
            }
        };
        Ok(Aim::Classified(self.take_in(said.ok()).await))
    }

    /// What a reply to a question means.
    async fn resolve(&mut self, pending: Pending) -> Result<Aim, Error> {
        let text = combine(&pending.original_input, &self.ask.input);
        self.sense = Sense { text, attempts: pending.attempt, ..self.unclassified() };
        let named: Vec<_> = pending
            .candidates
            .iter()
            .filter_map(|agent_id| self.agents.get(agent_id))
            .map(|agent| Named { agent_id: &agent.agent_id, display_name: &agent.display_name })
            .collect();
        if let Some(agent_id) = choose(&self.ask.input, &named) {
            let agent_id = agent_id.to_owned();
            self.sense.classified = Some(Classified {
                language: self.sense.language.clone(),
                intent: agent_id.clone(),
                intent_summary: self.sense.intent_summary.clone(),
            });
            return Ok(Aim::Chosen(agent_id));
        }
        let said = self.ask_classifier(self.sense.text.clone(), &pending.language).await?;
        let said = self.take_in(said.ok()).await;
        match pending.kind {
            Kind::Handoff if !self.session.active_agent.is_empty() => {
                Ok(Aim::Among(pending.candidates, said))
            }
            Kind::Handoff | Kind::Classification => Ok(Aim::Classified(said)),
        }
    }

    /// What the session itself tells of the user's wish.
    fn unclassified(&self) -> Sense {
        let preview: String = self.ask.input.chars().take(PREVIEW_CHARS).collect();
        let languages = [&self.ask.locale, &self.session.language];
        let language = languages.into_iter().find(|language| !language.is_empty());
        Sense {
            text: self.ask.input.clone(),
            intent_summary: self.session.intent_summary.clone(),
            language: language.map_or("en", String::as_str).to_owned(),
            entities_json: serde_json::json!({ "raw_input_preview": preview }).to_string(),
            confidence: 1.0,
            ..Sense::default()
        }
    }

    async fn ask_classifier(
        &self,
        text: String,
        language: &str,
    ) -> Result<Result<Classification, tonic::Status>, Error> {
        let request = ClassifyRequest {
            context: Some(self.ask.context.clone()),
            text,
            locale: self.ask.locale.clone(),
            prior_language: language.to_owned(),
        };
        let span = tracing::info_span!("classifier.classify");
        self.bounded(self.engine.peers.classify(request).instrument(span)).await
    }

    /// Takes over what the classifier said; without it the turn goes on with what the session tells.
    async fn take_in(&mut self, said: Option<Classification>) -> Option<Classification> {
        let Some(said) = said else {
            let request_id = &self.ask.context.request_id;
            tracing::warn!(
                audit = true,
                event_type = "classifier.error",
                request_id,
                outcome = "failure",
                "the classifier did not answer"
            );
            let text = std::mem::take(&mut self.sense.text);
            let attempts = self.sense.attempts;
            self.sense = Sense { text, attempts, confidence: 0.0, ..self.unclassified() };
            return None;
        };
        self.record.classification = Some(record::Classified::from(&said));
        self.sense.intent_summary.clone_from(&said.intent_summary);
        self.sense.language.clone_from(&said.detected_language);
        self.sense.entities_json.clone_from(&said.entities_json);
        self.sense.confidence = said.confidence;
        self.sense.classified = Some(Classified {
            language: said.detected_language.clone(),
            intent: said.agent_id.clone(),
            intent_summary: said.intent_summary.clone(),
        });
        let event = ClassifiedEvent {
            agent_id: said.agent_id.clone(),
            intent: said.intent_summary.clone(),
            confidence: said.confidence,
            ambiguous: said.ambiguous,
            language: said.detected_language.clone(),
            entities_json: said.entities_json.clone(),
            mode: said.mode.clone(),
        };
        self.events.emit(Event::Classified(event)).await;
        Some(said)
    }
}
