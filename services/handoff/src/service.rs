//! The handoff service as its peers call it.

use std::sync::Arc;

use chassis::fault::{Fault, Kind, fault};
use proto::v1::handoff_server::Handoff;
use proto::v1::{
    AbortRequest, CompleteRequest, CompressRequest, CompressedContext, GetHandoffRequest,
    HandoffDecision, HandoffRecord, ListHandoffsRequest, ListHandoffsResponse, SelectTargetRequest,
    TransferRequest, TransferResponse,
};
use tonic::{Request, Response, Status};

use crate::compress::{Limits, Story, compress};
use crate::decision::{Question, select};
use crate::exchange::{self, Error, Exchange};
use crate::store::{Filter, ROWS_MAX, StoreError};
use crate::transfer::State;

/// How many handoffs a list has when the caller does not say.
const LIST_DEFAULT: i64 = 100;
/// Caps that a caller may ask for.
const TOKENS: std::ops::RangeInclusive<i64> = 1..=100_000;

/// Answers the calls of package `mesh.v1`.
#[derive(Clone)]
pub struct Service {
    exchange: Arc<Exchange>,
}

impl Service {
    /// A service over an exchange.
    pub(crate) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Handoff for Service {
    async fn select_target(
        &self,
        request: Request<SelectTargetRequest>,
    ) -> Answer<HandoffDecision> {
        let request = request.into_inner();
        let trigger = request.trigger.unwrap_or_default();
        let kind = exchange::kind(&trigger.r#type)?;
        let rules = self.exchange.rules(&request.policy)?;
        let roster = self.exchange.registry.roster().await.ok_or(Error::NoAgents)?;
        let question = Question {
            source: &request.source_agent,
            trigger: &trigger,
            kind,
            language: &request.language,
            exclude: &request.exclude,
            breaker_refused: &request.breaker_refused,
        };
        Ok(Response::new(select(&roster, &question, &rules).into_message(&roster)))
    }

    async fn compress(&self, request: Request<CompressRequest>) -> Answer<CompressedContext> {
        let request = request.into_inner();
        let settings = self.exchange.config.compression;
        let tokens_max = match request.max_tokens {
            0 => settings.tokens_max,
            asked if TOKENS.contains(&asked) => asked,
            asked => return Err(invalid("max_tokens", &format!("cannot be {asked}")).into()),
        };
        let recent_kept = match request.preserve_recent.map(usize::try_from) {
            None => settings.recent_kept,
            Some(Ok(asked)) => asked,
            Some(Err(_)) => return Err(invalid("preserve_recent", "cannot be negative").into()),
        };
        let limits = Limits {
            method: exchange::method(&request.strategy, settings.method)?,
            tokens_max,
            recent_kept,
            is_masked: exchange::is_masked(&request.pii, settings.is_masked),
        };
        let story = Story { messages: &request.messages, source_summary: &request.source_summary };
        Ok(Response::new(compress(&story, &limits)))
    }

    async fn transfer(&self, request: Request<TransferRequest>) -> Answer<TransferResponse> {
        let transfer = self.exchange.transfer(&request.into_inner()).await?;
        Ok(Response::new(transfer.into()))
    }

    async fn complete(&self, request: Request<CompleteRequest>) -> Answer<HandoffRecord> {
        let transfer = self.exchange.complete(&request.into_inner()).await?;
        Ok(Response::new(transfer.into()))
    }

    async fn abort(&self, request: Request<AbortRequest>) -> Answer<HandoffRecord> {
        let request = request.into_inner();
        let context = request.context.unwrap_or_default();
        let transfer = self.exchange.abort(&context, &request.handoff_id, &request.reason).await?;
        Ok(Response::new(transfer.into()))
    }

    async fn get_handoff(&self, request: Request<GetHandoffRequest>) -> Answer<HandoffRecord> {
        let request = request.into_inner();
        let context = request.context.unwrap_or_default();
        let transfer = self.exchange.owned(&context, &request.handoff_id).await?;
        Ok(Response::new(transfer.into()))
    }

    async fn list_handoffs(
        &self,
        request: Request<ListHandoffsRequest>,
    ) -> Answer<ListHandoffsResponse> {
        let filter = filter(request.into_inner())?;
        let found = self.exchange.store.list(&filter).await.map_err(Error::from)?;
        let handoffs = found.into_iter().map(HandoffRecord::from).collect();
        Ok(Response::new(ListHandoffsResponse { handoffs }))
    }
}

fn filter(request: ListHandoffsRequest) -> Result<Filter, Error> {
    let context = request.context.unwrap_or_default();
    let named = |text: String| (!text.is_empty()).then_some(text);
    let states = match request.state.as_str() {
        "" => Vec::new(),
        name => match State::parse(&name.to_lowercase()) {
            Some(state) => vec![state],
            None => return Err(invalid("state", &format!("cannot be `{name}`"))),
        },
    };
    Ok(Filter {
        tenant: (!request.all_tenants).then_some(context.tenant),
        user_id: named(context.user_id).filter(|_| !request.all_tenants),
        states,
        session_id: named(request.session_id),
        lease_before_ms: request.lease_before_ms,
        expires_before_ms: None,
        limit: match request.limit {
            0 => LIST_DEFAULT,
            limit => limit.clamp(1, ROWS_MAX),
        },
    })
}

fn invalid(field: &'static str, problem: &str) -> Error {
    Error::Invalid { field, problem: problem.to_owned() }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match &error {
            Error::Invalid { field, problem } => {
                let fault = Fault::new(Kind::Invalid, "invalid_request", error.to_string());
                fault.violation(*field, problem.clone()).into()
            }
            Error::Missing(_) => fault(Kind::Missing, "handoff_not_found", &error),
            Error::Foreign(_) | Error::Illegal(_) => {
                fault(Kind::Exists, "idempotency_conflict", &error)
            }
            Error::NoAgents => fault(Kind::Unavailable, "registry_not_loaded", &error),
            Error::Registry(cause) => {
                tracing::error!(%cause, "the registry did not do its part of a handoff");
                fault(Kind::Unavailable, "dependency_unavailable", &error)
            }
            Error::Store(StoreError::Stale(_)) => fault(Kind::Stale, "version_conflict", &error),
            Error::Store(StoreError::Corrupt { .. }) => {
                tracing::error!(%error, "a stored handoff cannot be read");
                fault(Kind::Internal, "internal", &error)
            }
            Error::Store(StoreError::Database(cause)) => {
                tracing::error!(%cause, "the handoff store failed");
                fault(Kind::Unavailable, "dependency_unavailable", &error)
            }
        }
    }
}
