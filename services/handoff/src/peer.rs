//! What the handoff service asks of the registry: the agents, and slots.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::link::within;
use chassis::{Life, Link};
use proto::v1::registry_client::RegistryClient;
use proto::v1::{AcquireSlotRequest, Context, ReleaseSlotRequest, Snapshot, WatchAgentsRequest};
use tokio::sync::watch;
use tonic::{Code, Status};

use crate::roster::Roster;

/// How long a call about a slot may take.
const SLOT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait for the first snapshot.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(2);

/// The registry as the handoff service sees it.
pub(crate) struct Registry {
    client: RegistryClient<Link>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    prepared: Mutex<Option<Arc<Roster>>>,
}

/// A slot that is asked for or given back.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a> {
    /// Of which agent.
    pub(crate) agent_id: &'a str,
    /// Who holds it.
    pub(crate) holder: &'a str,
    /// For how long.
    pub(crate) ttl_ms: i64,
}

impl Registry {
    /// Follows the agents for as long as the process lives.
    pub(crate) fn follow(life: &Life, link: Link) -> Self {
        let client = RegistryClient::new(link);
        let watching = client.clone();
        let snapshots = chassis::follow::follow(life, "agents", move || {
            let mut client = watching.clone();
            async move { client.watch_agents(WatchAgentsRequest::default()).await }
        });
        Self { client, snapshots, prepared: Mutex::default() }
    }

    /// The agents as they are now; nothing while the registry has not said anything.
    pub(crate) async fn roster(&self) -> Option<Arc<Roster>> {
        let mut snapshots = self.snapshots.clone();
        let first = snapshots.wait_for(Option::is_some);
        let snapshot = tokio::time::timeout(SNAPSHOT_TIMEOUT, first).await.ok()?.ok()?.clone()?;
        let mut prepared = self.prepared.lock().expect("nobody panics while holding the roster");
        if let Some(roster) = prepared.as_ref().filter(|roster| roster.is_of(&snapshot)) {
            return Some(roster.clone());
        }
        let roster = Arc::new(Roster::of(snapshot));
        *prepared = Some(roster.clone());
        Some(roster)
    }

    /// Whether the slot was granted. A registry that cannot be asked grants uncounted: the work goes on.
    pub(crate) async fn acquire(&self, context: &Context, slot: Slot<'_>) -> Result<bool, Status> {
        let request = AcquireSlotRequest {
            context: Some(context.clone()),
            agent_id: slot.agent_id.to_owned(),
            holder: slot.holder.to_owned(),
            ttl_ms: slot.ttl_ms,
        };
        match self.client.clone().acquire_slot(within(request, SLOT_TIMEOUT)).await {
            Ok(response) => Ok(response.into_inner().granted),
            Err(error) if is_away(&error) => {
                tracing::warn!(agent_id = slot.agent_id, %error, "a slot was granted uncounted");
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a slot back, or to the holder `heir`.
    pub(crate) async fn release(
        &self,
        context: &Context,
        slot: Slot<'_>,
        heir: Option<&str>,
    ) -> Result<(), Status> {
        let request = ReleaseSlotRequest {
            context: Some(context.clone()),
            agent_id: slot.agent_id.to_owned(),
            holder: slot.holder.to_owned(),
            transfer_to: heir.unwrap_or_default().to_owned(),
            ttl_ms: slot.ttl_ms,
        };
        match self.client.clone().release_slot(within(request, SLOT_TIMEOUT)).await {
            Ok(_) => Ok(()),
            // An agent that is not loaded any more has no slots.
            Err(error) if error.code() == Code::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_away(error: &Status) -> bool {
    matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled)
}
