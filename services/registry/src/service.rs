//! The RPCs of the registry.

use std::ops::RangeInclusive;
use std::sync::Arc;

use chassis::Life;
use chassis::fault::{Fault, Kind, fault};
use proto::v1::registry_server::Registry;
use proto::v1::{
    AcquireSlotRequest, AcquireSlotResponse, DefinitionError, DeleteAgentRequest, GetAgentRequest,
    GetAgentResponse, ListAgentsRequest, PutAgentRequest, PutAgentResponse, ReleaseSlotRequest,
    ReleaseSlotResponse, ReloadRequest, ReloadResult, SetAvailabilityRequest,
    SetAvailabilityResponse, Snapshot, ValidateRequest, WatchAgentsRequest, put_agent_request,
};
use tonic::{Request, Response, Status};

use crate::availability::Availability;
use crate::load::change::ChangeError;
use crate::load::draft::Text;
use crate::load::line;
use crate::roster::{Roster, Unknown};
use crate::store::{Claim, Unavailable};
use crate::watch::{Snapshots, snapshots};

#[cfg(test)]
mod tests;

/// The longest name of a holder, in bytes.
const HOLDER_MAX: usize = 256;
/// How long a slot may live; sessions live at most a day.
const TTL_MS: RangeInclusive<i64> = 1..=7 * 86_400_000;
/// How many faults of a refused definition are told, and how many characters of each: they travel in a header.
const FAULTS_MAX: usize = 16;
const FAULT_CHARACTERS_MAX: usize = 300;

/// The registry as its callers see it.
pub struct Service {
    roster: Arc<Roster>,
    life: Life,
}

/// Why a call to the registry fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such agent.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// A field breaks a rule.
    #[error("{path}: {message}")]
    Invalid {
        /// The field.
        path: &'static str,
        /// The rule.
        message: String,
    },
    /// A definition cannot be changed so.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The shared store cannot be asked.
    #[error("the slot store cannot be asked")]
    Store(#[source] Unavailable),
}

impl Service {
    pub(crate) fn new(roster: Arc<Roster>, life: Life) -> Self {
        Self { roster, life }
    }

    fn agent(&self, agent_id: &str) -> Result<GetAgentResponse, Error> {
        let snapshot = self.roster.board.snapshot();
        let is_it = |state: &&proto::v1::AgentState| {
            state.agent.as_ref().is_some_and(|agent| agent.agent_id == agent_id)
        };
        match snapshot.agents.iter().find(is_it) {
            Some(state) => {
                Ok(GetAgentResponse { state: Some(state.clone()), generation: snapshot.generation })
            }
            None => Err(Unknown(agent_id.to_owned()).into()),
        }
    }

    async fn declare(
        &self,
        request: SetAvailabilityRequest,
    ) -> Result<SetAvailabilityResponse, Error> {
        let SetAvailabilityRequest { agent_id, availability, .. } = request;
        self.agent(&agent_id)?;
        let names = Availability::ALL.map(Availability::name).join(", ");
        let availability = Availability::from_name(&availability)
            .ok_or_else(|| invalid("availability", format!("must be one of {names}")))?;
        let previous = self.roster.declare(&agent_id, availability).await.map_err(Error::Store)?;
        let (availability, previous) = (availability.to_string(), previous.to_string());
        Ok(SetAvailabilityResponse { agent_id, availability, previous })
    }

    async fn put(&self, request: PutAgentRequest) -> Result<PutAgentResponse, Error> {
        use put_agent_request::Definition;
        let text = match request.definition {
            Some(Definition::Json(text)) => Text::Json(text),
            Some(Definition::Yaml(text)) => Text::Yaml(text),
            None => return Err(invalid("definition", "is missing".to_owned())),
        };
        let (result, created) = self.roster.put(&request.agent_id, text).await?;
        Ok(PutAgentResponse { result: Some(result), created })
    }

    async fn acquire(&self, request: AcquireSlotRequest) -> Result<AcquireSlotResponse, Error> {
        let AcquireSlotRequest { agent_id, holder, ttl_ms, .. } = request;
        check_holder("holder", &holder)?;
        check_ttl(ttl_ms)?;
        let claim = Claim { agent_id: &agent_id, holder: &holder, ttl_ms };
        let (grant, max) = self.roster.acquire(claim).await?;
        Ok(AcquireSlotResponse {
            granted: grant.is_granted,
            load: grant.load,
            max: max.unwrap_or(0),
        })
    }

    async fn release(&self, request: ReleaseSlotRequest) -> Result<ReleaseSlotResponse, Error> {
        let ReleaseSlotRequest { agent_id, holder, transfer_to, ttl_ms, .. } = request;
        check_holder("holder", &holder)?;
        let release = if transfer_to.is_empty() {
            self.roster.release(&agent_id, &holder).await
        } else {
            check_holder("transfer_to", &transfer_to)?;
            check_ttl(ttl_ms)?;
            let claim = Claim { agent_id: &agent_id, holder: &transfer_to, ttl_ms };
            self.roster.hand_over(&holder, claim).await
        };
        Ok(ReleaseSlotResponse { released: release.is_released, load: release.load })
    }
}

fn check_holder(path: &'static str, holder: &str) -> Result<(), Error> {
    if holder.is_empty() || HOLDER_MAX < holder.len() {
        return Err(invalid(path, format!("must have 1 to {HOLDER_MAX} bytes")));
    }
    Ok(())
}

fn check_ttl(ttl_ms: i64) -> Result<(), Error> {
    if TTL_MS.contains(&ttl_ms) {
        return Ok(());
    }
    let message = format!("must be {} to {}, is {ttl_ms}", TTL_MS.start(), TTL_MS.end());
    Err(invalid("ttl_ms", message))
}

fn invalid(path: &'static str, message: String) -> Error {
    Error::Invalid { path, message }
}

#[tonic::async_trait]
impl Registry for Service {
    type WatchAgentsStream = Snapshots;

    async fn get_agent(
        &self,
        request: Request<GetAgentRequest>,
    ) -> Result<Response<GetAgentResponse>, Status> {
        Ok(Response::new(self.agent(&request.get_ref().agent_id)?))
    }

    async fn list_agents(
        &self,
        _: Request<ListAgentsRequest>,
    ) -> Result<Response<Snapshot>, Status> {
        Ok(Response::new(Snapshot::clone(&self.roster.board.snapshot())))
    }

    async fn watch_agents(
        &self,
        _: Request<WatchAgentsRequest>,
    ) -> Result<Response<Self::WatchAgentsStream>, Status> {
        Ok(Response::new(snapshots(&self.roster.board, &self.life)))
    }

    async fn reload(&self, _: Request<ReloadRequest>) -> Result<Response<ReloadResult>, Status> {
        Ok(Response::new(self.roster.reload().await))
    }

    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ReloadResult>, Status> {
        let files = request.into_inner().files.into_iter().map(|file| (file.name, file.yaml));
        Ok(Response::new(self.roster.validate(files.collect()).await))
    }

    async fn put_agent(
        &self,
        request: Request<PutAgentRequest>,
    ) -> Result<Response<PutAgentResponse>, Status> {
        Ok(Response::new(self.put(request.into_inner()).await?))
    }

    async fn delete_agent(
        &self,
        request: Request<DeleteAgentRequest>,
    ) -> Result<Response<ReloadResult>, Status> {
        let deleted = self.roster.delete(&request.get_ref().agent_id).await;
        Ok(Response::new(deleted.map_err(Error::from)?))
    }

    async fn set_availability(
        &self,
        request: Request<SetAvailabilityRequest>,
    ) -> Result<Response<SetAvailabilityResponse>, Status> {
        Ok(Response::new(self.declare(request.into_inner()).await?))
    }

    async fn acquire_slot(
        &self,
        request: Request<AcquireSlotRequest>,
    ) -> Result<Response<AcquireSlotResponse>, Status> {
        Ok(Response::new(self.acquire(request.into_inner()).await?))
    }

    async fn release_slot(
        &self,
        request: Request<ReleaseSlotRequest>,
    ) -> Result<Response<ReleaseSlotResponse>, Status> {
        Ok(Response::new(self.release(request.into_inner()).await?))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let unknown = |agent_id: &str| {
            Fault::new(Kind::Missing, "agent_not_found", error.to_string())
                .field("agent_id", agent_id)
                .into()
        };
        match &error {
            Error::Unknown(Unknown(agent_id)) | Error::Change(ChangeError::Unknown(agent_id)) => {
                unknown(agent_id)
            }
            Error::Invalid { path, message } => {
                Fault::new(Kind::Invalid, "invalid_request", error.to_string())
                    .violation(*path, message)
                    .into()
            }
            Error::Change(ChangeError::Refused(faults)) => {
                let refused = Fault::new(Kind::Invalid, "invalid_request", error.to_string());
                let told = faults.iter().take(FAULTS_MAX).map(violation);
                told.fold(refused, |refused, (path, message)| refused.violation(path, message))
                    .into()
            }
            Error::Change(ChangeError::ReadOnly(cause)) => {
                tracing::warn!(%cause, "the folder of the definitions cannot be written");
                fault(Kind::Closed, "registry_read_only", &error)
            }
            Error::Change(ChangeError::Folder(cause)) => {
                tracing::error!(%cause, "the folder of the definitions failed");
                fault(Kind::Unavailable, "dependency_unavailable", &error)
            }
            Error::Store(cause) => {
                tracing::error!(%cause, "the slot store failed");
                fault(Kind::Unavailable, "dependency_unavailable", &error)
            }
        }
    }
}

/// The field where there is one, else the file; and the whole line, since the fault may be another file's.
fn violation(error: &DefinitionError) -> (String, String) {
    let path = if error.path.is_empty() { &error.file } else { &error.path };
    let short = |text: &str| text.chars().take(FAULT_CHARACTERS_MAX).collect();
    (short(path), short(&line(error)))
}
