use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chassis::Link;
use proto::v1::classifier_server::{Classifier, ClassifierServer};
use proto::v1::*;
use std::result::Result;
use tonic::{Request, Response, Status};

use super::Trap;

/// A classifier that says what a test wants: a text belongs to the agents whose ids are words of it, and scores can be
/// planned for whole texts.
#[derive(Default)]
pub struct Mind {
    plans: Mutex<BTreeMap<String, Classification>>,
    is_down: Mutex<bool>,
    pub trap: Trap,
}

impl Mind {
    /// What it says of a text: the first agent is the likeliest.
    pub fn plan(&self, text: &str, scores: &[(&str, f64)], ambiguous: bool) {
        let said = said(scores, ambiguous);
        self.plans.lock().unwrap().insert(text.to_owned(), said);
    }

    pub fn go_down(&self) {
        *self.is_down.lock().unwrap() = true;
    }
}

fn said(scores: &[(&str, f64)], ambiguous: bool) -> Classification {
    let (agent_id, confidence) = scores[0];
    let score = |(agent_id, score): &(&str, f64)| AgentScore {
        agent_id: (*agent_id).to_owned(),
        score: *score,
    };
    Classification {
        agent_id: agent_id.to_owned(),
        confidence,
        ambiguous,
        detected_language: "en".to_owned(),
        intent_summary: format!("{agent_id} matter"),
        entities_json: "{\"order_id\":\"A-1\"}".to_owned(),
        agent_scores: scores.iter().map(score).collect(),
        mode: "local".to_owned(),
        tier: "static".to_owned(),
        revision: "test".to_owned(),
        fallback_reason: String::new(),
        generation: 1,
    }
}

pub(super) fn link(mind: Arc<Mind>) -> Link {
    Link::local(ClassifierServer::from_arc(mind))
}

#[tonic::async_trait]
impl Classifier for Mind {
    async fn classify(
        &self,
        request: Request<ClassifyRequest>,
    ) -> Result<Response<Classification>, Status> {
        self.trap.pass("classify").await;
        let text = request.into_inner().text;
        if *self.is_down.lock().unwrap() {
            return Err(Status::unavailable("gone"));
        }
        let planned = self.plans.lock().unwrap().get(&text).cloned();
        let by_name = || {
            let named = ["sales", "support"].into_iter().find(|id| text.contains(id));
            said(&[(named.unwrap_or("default-agent"), 0.92)], false)
        };
        Ok(Response::new(planned.unwrap_or_else(by_name)))
    }

    async fn generate_clarification(
        &self,
        request: Request<GenerateClarificationRequest>,
    ) -> Result<Response<GenerateClarificationResponse>, Status> {
        let question = format!("Is it {}?", request.into_inner().candidates.join(" or "));
        Ok(Response::new(GenerateClarificationResponse { question, cached: false }))
    }

    async fn detect_language(
        &self,
        _: Request<DetectLanguageRequest>,
    ) -> Result<Response<DetectLanguageResponse>, Status> {
        Err(Status::unimplemented("the router does not ask for it"))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        Err(Status::unimplemented("the router does not ask for it"))
    }
}
