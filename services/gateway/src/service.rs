//! The gRPC side of the gateway: events from other services, and what operators ask.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock;
use chassis::fault::{Fault, Kind};
use proto::v1::gateway_server::Gateway;
use proto::v1::{
    Context, DrainRequest, DrainResponse, GetConnectionStatsRequest, GetConnectionStatsResponse,
    GetSessionRequest, PublishEventRequest, PublishEventResponse,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tonic::{Request, Response, Status};

use crate::extract::call;
use crate::fanout::{Owner, Publication};
use crate::frame::{Frame, Marks};
use crate::front::Front;

const KIND_CHARACTERS_MAX: usize = 64;

/// Answers for the gateway over gRPC.
#[derive(Clone)]
pub struct Service {
    front: Arc<Front>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// What can go wrong here.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{path} {message}")]
    Invalid { path: &'static str, message: &'static str },
    #[error("the session has no owner")]
    NoOwner,
    #[error("the router does not tell whose the session is")]
    Router(Status),
}

/// A frame as other services write it.
#[derive(Deserialize)]
struct Told<'a> {
    r#type: String,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(rename = "requestId")]
    request_id: Option<String>,
    seq: Option<u64>,
}

impl Service {
    pub(crate) fn new(front: Arc<Front>) -> Self {
        Self { front }
    }

    async fn publish(&self, request: PublishEventRequest) -> Result<usize, Error> {
        let context = request.context.unwrap_or_default();
        if request.session_id.is_empty() {
            return Err(Error::Invalid { path: "session_id", message: "is empty" });
        }
        let frame = frame(&request.event_json, &request.session_id)?;
        let owner = self.owner(context, &request.session_id).await?;
        Ok(self.front.fanout.publish(Publication {
            owner,
            session_id: request.session_id,
            alias: None,
            frame: Some(Arc::new(frame)),
            origin: None,
        }))
    }

    /// To whom the session belongs, if the caller does not say it.
    async fn owner(&self, context: Context, session_id: &str) -> Result<Owner, Error> {
        if !context.user_id.is_empty() {
            return Ok(Owner::new(&context.tenant, &context.user_id));
        }
        let tenant = context.tenant.clone();
        let request = GetSessionRequest {
            context: Some(context),
            session_id: session_id.to_owned(),
            any_owner: true,
            by_reference: false,
        };
        let session = self.front.peers.router().get_session(call(request)).await;
        let user = session.map_err(Error::Router)?.into_inner().user_id;
        if user.is_empty() { Err(Error::NoOwner) } else { Ok(Owner::new(&tenant, &user)) }
    }
}

fn frame(json: &str, session_id: &str) -> Result<Frame, Error> {
    let invalid = |message| Error::Invalid { path: "event_json", message };
    let told: Told<'_> = serde_json::from_str(json).map_err(|_| invalid("is no frame"))?;
    if !(1..=KIND_CHARACTERS_MAX).contains(&told.r#type.chars().count())
        || told.r#type.chars().any(char::is_control)
    {
        return Err(invalid("has no usable type"));
    }
    let marks = Marks {
        session_id: Some(session_id),
        request_id: told.request_id.as_deref(),
        seq: told.seq,
    };
    Ok(Frame::new(&told.r#type, told.payload, marks))
}

#[tonic::async_trait]
impl Gateway for Service {
    async fn publish_event(
        &self,
        request: Request<PublishEventRequest>,
    ) -> Result<Response<PublishEventResponse>, Status> {
        let delivered = self.publish(request.into_inner()).await?;
        let delivered = i64::try_from(delivered).unwrap_or(i64::MAX);
        Ok(Response::new(PublishEventResponse { delivered }))
    }

    async fn get_connection_stats(
        &self,
        _: Request<GetConnectionStatsRequest>,
    ) -> Result<Response<GetConnectionStatsResponse>, Status> {
        let (websockets, streams) = self.front.census.counts();
        let running_turns = i64::try_from(self.front.drain.running()).unwrap_or(i64::MAX);
        Ok(Response::new(GetConnectionStatsResponse { websockets, streams, running_turns }))
    }

    async fn drain(
        &self,
        request: Request<DrainRequest>,
    ) -> Result<Response<DrainResponse>, Status> {
        let left_ms = (request.into_inner().deadline_ms - clock::now_ms()).max(0);
        let limit = Duration::from_millis(left_ms.unsigned_abs());
        let drained = self.front.drain.drain(limit).await;
        Ok(Response::new(DrainResponse { drained }))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { path, message } => {
                Fault::new(Kind::Invalid, "invalid_request", format!("{path} {message}"))
                    .violation(path, message)
                    .into()
            }
            Error::NoOwner => {
                Fault::new(Kind::Missing, "session_not_found", error.to_string()).into()
            }
            Error::Router(status) => status,
        }
    }
}
