//! The gRPC surface of the conversation engine. Each method checks its request and lets the engine work.

use std::sync::Arc;

use chassis::fault::{Fault, Kind};
use proto::v1::router_server::Router;
use proto::v1::{
    AppendTurnRequest, AppendTurnResponse, Breaker, CancelTurnRequest, CancelTurnResponse,
    CloseSessionRequest, CloseSessionResponse, CombineReplyRequest, CombineReplyResponse,
    ConverseRequest, CreateSessionRequest, EvaluateGateRequest, ExplainRequest, ExplainResponse,
    GateDecision, GetSessionRequest, ListBreakersRequest, ListBreakersResponse,
    ListSessionsRequest, ListSessionsResponse, RecordOutcomeRequest, ResumeSessionRequest,
    ResumeSessionResponse, Session, SetBreakerRequest, SetBreakerResponse, TriggerHandoffRequest,
    TriggerHandoffResponse, UpdateWorkflowStateRequest, UpdateWorkflowStateResponse,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::engine::Engine;
use crate::error::Error;
use crate::events::Message;

mod breakers;
mod rules;
mod sessions;
mod turns;
mod view;

type Answer<T> = Result<Response<T>, Status>;

/// The conversation engine as a server.
#[derive(Clone)]
pub struct Service {
    engine: Arc<Engine>,
}

impl Service {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

fn told<T>(answer: Result<T, Error>) -> Answer<T> {
    Ok(Response::new(answer?))
}

/// An id that no database can hold is as unknown as any other.
fn possible(id: &str, missing: Error) -> Result<(), Error> {
    if id.contains('\0') { Err(missing) } else { Ok(()) }
}

#[tonic::async_trait]
impl Router for Service {
    type ConverseStream = ReceiverStream<Message>;

    async fn converse(&self, request: Request<ConverseRequest>) -> Answer<Self::ConverseStream> {
        told(self.converse_with(request.into_inner()).await.map(ReceiverStream::new))
    }

    async fn cancel_turn(&self, request: Request<CancelTurnRequest>) -> Answer<CancelTurnResponse> {
        told(self.cancel(request.into_inner()).await)
    }

    async fn create_session(&self, request: Request<CreateSessionRequest>) -> Answer<Session> {
        told(self.create(request.into_inner()).await)
    }

    async fn get_session(&self, request: Request<GetSessionRequest>) -> Answer<Session> {
        told(self.get(request.into_inner()).await)
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Answer<ListSessionsResponse> {
        told(self.list(request.into_inner()).await)
    }

    async fn append_turn(&self, request: Request<AppendTurnRequest>) -> Answer<AppendTurnResponse> {
        told(self.append(request.into_inner()).await)
    }

    async fn update_workflow_state(
        &self,
        request: Request<UpdateWorkflowStateRequest>,
    ) -> Answer<UpdateWorkflowStateResponse> {
        told(self.put_state(request.into_inner()).await)
    }

    async fn close_session(
        &self,
        request: Request<CloseSessionRequest>,
    ) -> Answer<CloseSessionResponse> {
        told(self.close(request.into_inner()).await)
    }

    async fn resume_session(
        &self,
        request: Request<ResumeSessionRequest>,
    ) -> Answer<ResumeSessionResponse> {
        told(self.resume(request.into_inner()).await)
    }

    async fn trigger_handoff(
        &self,
        request: Request<TriggerHandoffRequest>,
    ) -> Answer<TriggerHandoffResponse> {
        told(self.hand_over(request.into_inner()).await)
    }

    async fn evaluate_gate(&self, request: Request<EvaluateGateRequest>) -> Answer<GateDecision> {
        told(self.evaluate(request.into_inner()))
    }

    async fn combine_reply(
        &self,
        request: Request<CombineReplyRequest>,
    ) -> Answer<CombineReplyResponse> {
        told(self.combine(request.into_inner()))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Answer<ExplainResponse> {
        told(self.explained(request.into_inner()).await)
    }

    async fn list_breakers(&self, _: Request<ListBreakersRequest>) -> Answer<ListBreakersResponse> {
        told(self.breakers().await)
    }

    async fn set_breaker(&self, request: Request<SetBreakerRequest>) -> Answer<SetBreakerResponse> {
        told(self.force(request.into_inner()).await)
    }

    async fn record_outcome(&self, request: Request<RecordOutcomeRequest>) -> Answer<Breaker> {
        told(self.count(request.into_inner()).await)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Status {
    fn from(error: &Error) -> Self {
        match error {
            Error::Status(status) => status.clone(),
            other => Fault::from(other).into(),
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let (kind, code) = match error {
            Error::Invalid(_) => (Kind::Invalid, "invalid_request"),
            Error::UserRequired => (Kind::Invalid, "user_required"),
            Error::InputRejected => (Kind::Invalid, "input_rejected"),
            Error::SessionNotFound => (Kind::Missing, "session_not_found"),
            Error::SessionClosed => (Kind::Closed, "session_closed"),
            Error::SessionBusy => (Kind::Exhausted, "session_busy"),
            Error::IdempotencyConflict => (Kind::Exists, "idempotency_conflict"),
            Error::RequestInProgress => (Kind::Stale, "request_in_progress"),
            Error::RecordNotFound => (Kind::Missing, "not_found"),
            Error::AgentNotFound(_) => (Kind::Missing, "agent_not_found"),
            Error::RegistryNotLoaded => (Kind::Unavailable, "registry_not_loaded"),
            Error::ShuttingDown => (Kind::Unavailable, "shutting_down"),
            Error::BudgetDenied(_) => (Kind::Spent, "budget_exceeded"),
            Error::BudgetUnavailable => (Kind::Unavailable, "budget_unavailable"),
            Error::CircuitOpen { .. } => (Kind::Unavailable, "circuit_open"),
            Error::AgentUnavailable(_) => (Kind::Unavailable, "agent_unavailable"),
            Error::AgentBusy(_) => (Kind::Unavailable, "agent_busy"),
            Error::Agent { kind, .. } => (kind.fault(), kind.code()),
            Error::TurnTimeout => (Kind::Late, "turn_timeout"),
            Error::Cancelled => (Kind::Cancelled, "cancelled"),
            Error::Lost => (Kind::Unavailable, "interrupted"),
            Error::Internal => (Kind::Internal, "internal"),
            Error::Store(crate::store::StoreError::Contended) => (Kind::Stale, "version_conflict"),
            Error::Store(cause) => {
                tracing::error!(%cause, "the conversation store failed");
                (Kind::Unavailable, "dependency_unavailable")
            }
            Error::Status(status) => return Fault::of(status),
        };
        let mut fault = Fault::new(kind, code, error.to_string());
        match error {
            Error::Invalid(violations) => fault.violations.clone_from(violations),
            Error::SessionBusy => fault.retry_after_s = Some(1),
            Error::CircuitOpen { agent_id, retry_after_s } => {
                fault = fault.field("agent_id", agent_id).retry_after_s(*retry_after_s);
            }
            Error::AgentNotFound(agent_id) => fault = fault.field("agent_id", agent_id),
            _ => {}
        }
        fault
    }
}
