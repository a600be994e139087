use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use chassis::Link;
use proto::v1::handoff_server::{Handoff, HandoffServer};
use proto::v1::*;
use std::result::Result;
use tonic::{Request, Response, Status};

use super::Trap;

/// A handoff service that lets agents accept in the order that a test plans.
#[derive(Default)]
pub struct Porter {
    books: Mutex<Books>,
    pub trap: Trap,
}

#[derive(Default)]
struct Books {
    plans: VecDeque<TransferResponse>,
    selects: VecDeque<HandoffDecision>,
    asked: Vec<TransferRequest>,
    completed: Vec<CompleteRequest>,
    aborted: Vec<String>,
    accepted: Vec<HandoffRecord>,
    is_down: bool,
    completes_are_down: bool,
}

impl Porter {
    /// The next transfer is accepted by this agent.
    pub fn accept(&self, agent_id: &str) {
        let decision = HandoffDecision {
            r#type: "primary".to_owned(),
            target_agent: agent_id.to_owned(),
            score_millionths: 760_000,
            ..HandoffDecision::default()
        };
        let brief = CompressedContext {
            summary: "what happened so far".to_owned(),
            compression_method: "identity".to_owned(),
            ..CompressedContext::default()
        };
        self.books().plans.push_back(TransferResponse {
            decision: Some(decision),
            accepted_agent: agent_id.to_owned(),
            brief: Some(brief),
            rejections: Vec::new(),
            state: "accepted".to_owned(),
        });
    }

    /// The next transfer comes to nothing, or to the fallback agent.
    pub fn refuse(&self, reason: &str, fallback: &str) {
        let decision = HandoffDecision {
            r#type: "fallback".to_owned(),
            reason: reason.to_owned(),
            fallback_agent: fallback.to_owned(),
            ..HandoffDecision::default()
        };
        let answer = TransferResponse { decision: Some(decision), ..TransferResponse::default() };
        self.books().plans.push_back(answer);
    }

    /// The next transfer asks the user.
    pub fn ask(&self, candidates: &[&str], question: &str) {
        let decision = HandoffDecision {
            r#type: "clarification".to_owned(),
            candidate_agents: candidates.iter().map(|&id| id.to_owned()).collect(),
            questions: vec![question.to_owned()],
            ..HandoffDecision::default()
        };
        let answer = TransferResponse { decision: Some(decision), ..TransferResponse::default() };
        self.books().plans.push_back(answer);
    }

    /// The next selection without effect names this agent.
    pub fn select(&self, agent_id: &str) {
        let decision = HandoffDecision {
            r#type: "primary".to_owned(),
            target_agent: agent_id.to_owned(),
            ..HandoffDecision::default()
        };
        self.books().selects.push_back(decision);
    }

    pub fn go_down(&self) {
        self.books().is_down = true;
    }

    pub fn refuse_completes(&self, are_down: bool) {
        self.books().completes_are_down = are_down;
    }

    pub fn asked(&self) -> Vec<TransferRequest> {
        self.books().asked.clone()
    }

    pub fn completed(&self) -> Vec<CompleteRequest> {
        self.books().completed.clone()
    }

    pub fn aborted(&self) -> Vec<String> {
        self.books().aborted.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

pub(super) fn link(porter: Arc<Porter>) -> Link {
    Link::local(HandoffServer::from_arc(porter))
}

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the router does not ask for it"))
}

#[tonic::async_trait]
impl Handoff for Porter {
    async fn transfer(
        &self,
        request: Request<TransferRequest>,
    ) -> Result<Response<TransferResponse>, Status> {
        self.trap.pass("transfer").await;
        let mut books = self.books();
        if books.is_down {
            return Err(Status::unavailable("gone"));
        }
        let request = request.into_inner();
        let answer = books.plans.pop_front().unwrap_or_else(|| TransferResponse {
            decision: Some(HandoffDecision {
                r#type: "fallback".to_owned(),
                reason: "no_match".to_owned(),
                ..HandoffDecision::default()
            }),
            ..TransferResponse::default()
        });
        if !answer.accepted_agent.is_empty() {
            books.accepted.push(HandoffRecord {
                handoff_id: request.handoff_id.clone(),
                tenant: "default".to_owned(),
                session_id: request.session_id.clone(),
                state: "accepted".to_owned(),
                from_agent: request.source_agent.clone(),
                to_agent: answer.accepted_agent.clone(),
                ..HandoffRecord::default()
            });
        }
        books.asked.push(request);
        Ok(Response::new(answer))
    }

    async fn select_target(
        &self,
        _: Request<SelectTargetRequest>,
    ) -> Result<Response<HandoffDecision>, Status> {
        Ok(Response::new(self.books().selects.pop_front().unwrap_or_default()))
    }

    async fn complete(
        &self,
        request: Request<CompleteRequest>,
    ) -> Result<Response<HandoffRecord>, Status> {
        self.trap.pass("complete").await;
        let request = request.into_inner();
        let mut books = self.books();
        if books.is_down || books.completes_are_down {
            return Err(Status::unavailable("gone"));
        }
        books.accepted.retain(|record| record.handoff_id != request.handoff_id);
        books.completed.push(request);
        Ok(Response::new(HandoffRecord::default()))
    }

    async fn abort(
        &self,
        request: Request<AbortRequest>,
    ) -> Result<Response<HandoffRecord>, Status> {
        let handoff_id = request.into_inner().handoff_id;
        let mut books = self.books();
        books.accepted.retain(|record| record.handoff_id != handoff_id);
        books.aborted.push(handoff_id);
        Ok(Response::new(HandoffRecord::default()))
    }

    async fn list_handoffs(
        &self,
        _: Request<ListHandoffsRequest>,
    ) -> Result<Response<ListHandoffsResponse>, Status> {
        let handoffs = self.books().accepted.clone();
        Ok(Response::new(ListHandoffsResponse { handoffs }))
    }

    async fn compress(
        &self,
        _: Request<CompressRequest>,
    ) -> Result<Response<CompressedContext>, Status> {
        no()
    }

    async fn get_handoff(
        &self,
        _: Request<GetHandoffRequest>,
    ) -> Result<Response<HandoffRecord>, Status> {
        no()
    }
}
