//! What the registry does: it holds one set of agents, replaces it whole, and counts who occupies them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proto::v1::ReloadResult;
use tokio::sync::{Mutex, Notify};

use crate::availability::Availability;
use crate::board::Board;
use crate::load::change::ChangeError;
use crate::load::draft::Text;
use crate::load::{Broken, Loader, Outcome, line};
use crate::slots::{Grant, Release};
use crate::store::{Claim, Store, Unavailable};

/// No agent of this id is loaded.
#[derive(Debug, thiserror::Error)]
#[error("no agent `{0}` is loaded")]
pub struct Unknown(pub String);

/// The registry behind its RPCs.
pub struct Roster {
    /// What is shown.
    pub board: Board,
    /// Wakes whoever keeps the shown load fresh.
    pub load_changed: Notify,
    loader: Loader,
    store: Arc<dyn Store>,
    is_store_down: AtomicBool,
    reloading: Mutex<()>,
    refreshing: Mutex<()>,
}

impl Roster {
    /// Loads the first set, or says everything that is wrong with it.
    pub async fn open(
        loader: Loader,
        store: Arc<dyn Store>,
        first_generation: u64,
    ) -> Result<Self, Broken> {
        let mut outcome = loader.load().await;
        report(&outcome, first_generation);
        let Some(set) = outcome.set.take() else {
            return Err(Broken(outcome.errors));
        };
        let roster = Self {
            board: Board::new(set, first_generation),
            load_changed: Notify::new(),
            loader,
            store,
            is_store_down: AtomicBool::new(false),
            reloading: Mutex::default(),
            refreshing: Mutex::default(),
        };
        roster.refresh().await;
        Ok(roster)
    }

    /// Loads the folder anew. The old set stays when anything is wrong with the new one; reloads go one by one.
    pub async fn reload(&self) -> ReloadResult {
        let _turn = self.reloading.lock().await;
        let outcome = self.loader.load().await;
        self.show(outcome).await
    }

    /// Writes one definition into the folder and shows the set with it; whether it is new.
    pub async fn put(
        &self,
        agent_id: &str,
        text: Text,
    ) -> Result<(ReloadResult, bool), ChangeError> {
        let _turn = self.reloading.lock().await;
        let changed = self.loader.put(agent_id, text).await?;
        Ok((self.show(changed.outcome).await, changed.is_new))
    }

    /// Removes one definition from the folder and shows the set without it.
    pub async fn delete(&self, agent_id: &str) -> Result<ReloadResult, ChangeError> {
        let _turn = self.reloading.lock().await;
        let changed = self.loader.delete(agent_id).await?;
        Ok(self.show(changed.outcome).await)
    }

    async fn show(&self, outcome: Outcome) -> ReloadResult {
        let generation = match outcome.set.clone() {
            Some(set) => self.board.replace(set),
            None => self.board.snapshot().generation,
        };
        report(&outcome, generation);
        self.refresh().await;
        outcome.result(generation)
    }

    /// Checks texts as if they were all the files of the folder.
    pub async fn validate(&self, files: Vec<(String, String)>) -> ReloadResult {
        self.loader.check(files).await.result(self.board.snapshot().generation)
    }

    /// Gives the holder a slot or renews it. With the store down, everyone gets one and nobody is counted.
    pub async fn acquire(&self, claim: Claim<'_>) -> Result<(Grant, Option<i64>), Unknown> {
        let agent_id = claim.agent_id;
        let set = self.board.set();
        let agent = set.agent(agent_id).ok_or_else(|| Unknown(agent_id.to_owned()))?;
        let max = agent.max_concurrent_sessions;
        let known = self.board.load(agent_id);
        let grant = self.asked(self.store.acquire(claim, max)).await;
        let grant = grant.unwrap_or(Grant { is_granted: true, load: known });
        self.notice(known, grant.load);
        Ok((grant, max))
    }

    /// Frees a slot, also of an agent that is no longer loaded. With the store down it ends by itself.
    pub async fn release(&self, agent_id: &str, holder: &str) -> Release {
        let released = self.asked(self.store.release(agent_id, holder)).await;
        self.released(agent_id, released)
    }

    /// Gives the slot of `from` to the holder of the claim.
    pub async fn hand_over(&self, from: &str, claim: Claim<'_>) -> Release {
        let released = self.asked(self.store.hand_over(from, claim)).await;
        self.released(claim.agent_id, released)
    }

    /// Declares the availability of an agent and returns what held before.
    pub async fn declare(
        &self,
        agent_id: &str,
        availability: Availability,
    ) -> Result<Availability, Unavailable> {
        let _turn = self.refreshing.lock().await;
        self.store.declare(agent_id, availability).await?;
        Ok(self.board.declare(agent_id, availability))
    }

    /// Brings load and availability on the board up to date; with the store down the last known stay.
    pub async fn refresh(&self) {
        let _turn = self.refreshing.lock().await;
        let agents = self.board.set();
        let agent_ids: Vec<_> = agents.agents.iter().map(|agent| agent.agent_id.clone()).collect();
        if let Some(occupancy) = self.noted(self.store.occupancy(&agent_ids).await) {
            self.board.occupy(occupancy);
        }
    }

    fn released(&self, agent_id: &str, release: Option<Release>) -> Release {
        let known = self.board.load(agent_id);
        let release = release.unwrap_or(Release { is_released: false, load: known });
        self.notice(known, release.load);
        release
    }

    fn notice(&self, known: i64, load: i64) {
        if known != load {
            self.load_changed.notify_one();
        }
    }

    /// Asks the store unless it is down. Only the refresh asks then, so that nobody else waits for what is not there.
    async fn asked<T>(&self, call: impl Future<Output = Result<T, Unavailable>>) -> Option<T> {
        if self.is_store_down.load(Ordering::Relaxed) {
            return None;
        }
        self.noted(call.await)
    }

    /// Says once that the store went, and once that it came back.
    fn noted<T>(&self, outcome: Result<T, Unavailable>) -> Option<T> {
        let was_down = self.is_store_down.swap(outcome.is_err(), Ordering::Relaxed);
        match (&outcome, was_down) {
            (Err(error), false) => {
                tracing::warn!(%error, "slots are granted uncounted until the store is back");
            }
            (Ok(_), true) => tracing::info!("the slot store is back"),
            _ => {}
        }
        outcome.ok()
    }
}

fn report(outcome: &Outcome, generation: u64) {
    for warning in &outcome.warnings {
        tracing::warn!(generation, "{warning}");
    }
    if let Some(set) = &outcome.set {
        tracing::info!(
            audit = true,
            event_type = "system.registry_loaded",
            outcome = "success",
            generation,
            agents = set.agents.len(),
            default_agent_id = set.default_agent_id,
            "agent definitions loaded"
        );
        return;
    }
    for error in &outcome.errors {
        tracing::error!("{}", line(error));
    }
    tracing::info!(
        audit = true,
        event_type = "system.registry_reload_failed",
        outcome = "failure",
        failure_reason = outcome.errors.first().map(line),
        errors = outcome.errors.len(),
        "agent definitions are not valid"
    );
}
