//! The store of registries that run side by side, on the clock of Redis.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chassis::Redis;
use redis::Script;

use super::{Claim, Occupancy, Store, Unavailable};
use crate::availability::Availability;
use crate::slots::{Grant, Release};

/// How many agents one script looks at.
const AGENTS_PER_SCRIPT: usize = 500;

/// Slots and declared availability in Redis: a sorted set an agent, and one hash.
#[derive(Clone)]
pub struct Shared {
    redis: Redis,
    acquire: Script,
    release: Script,
    declare: Script,
    occupancy: Script,
}

impl Shared {
    /// The store behind this connection.
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            acquire: Script::new(include_str!("acquire.lua")),
            release: Script::new(include_str!("release.lua")),
            declare: Script::new(include_str!("declare.lua")),
            occupancy: Script::new(include_str!("occupancy.lua")),
        }
    }

    fn slots(&self, agent_id: &str) -> String {
        self.redis.key(&format!("registry:slots:{agent_id}"))
    }

    fn declarations(&self) -> String {
        self.redis.key("registry:availability")
    }

    async fn give_up(
        &self,
        agent_id: &str,
        arguments: [String; 3],
    ) -> Result<Release, Unavailable> {
        let keys = [self.slots(agent_id)];
        let (is_released, load) = self.redis.run(&self.release, &keys, &arguments).await?;
        Ok(Release { is_released, load })
    }
}

#[async_trait]
impl Store for Shared {
    async fn acquire(&self, claim: Claim<'_>, max: Option<i64>) -> Result<Grant, Unavailable> {
        let arguments =
            [claim.holder.to_owned(), claim.ttl_ms.to_string(), max.unwrap_or(0).to_string()];
        let keys = [self.slots(claim.agent_id)];
        let (is_granted, load) = self.redis.run(&self.acquire, &keys, &arguments).await?;
        Ok(Grant { is_granted, load })
    }

    async fn release(&self, agent_id: &str, holder: &str) -> Result<Release, Unavailable> {
        self.give_up(agent_id, [holder.to_owned(), String::new(), String::new()]).await
    }

    async fn hand_over(&self, from: &str, claim: Claim<'_>) -> Result<Release, Unavailable> {
        let arguments = [from.to_owned(), claim.holder.to_owned(), claim.ttl_ms.to_string()];
        self.give_up(claim.agent_id, arguments).await
    }

    async fn declare(
        &self,
        agent_id: &str,
        availability: Availability,
    ) -> Result<Availability, Unavailable> {
        let arguments = [agent_id.to_owned(), availability.name().to_owned()];
        let previous: String =
            self.redis.run(&self.declare, &[self.declarations()], &arguments).await?;
        Ok(Availability::from_name(&previous).unwrap_or_default())
    }

    async fn occupancy(&self, agent_ids: &[String]) -> Result<Occupancy, Unavailable> {
        let mut occupancy = Occupancy::default();
        for chunk in agent_ids.chunks(AGENTS_PER_SCRIPT) {
            let mut keys = vec![self.declarations()];
            keys.extend(chunk.iter().map(|agent_id| self.slots(agent_id)));
            let (declared, loads): (BTreeMap<String, String>, Vec<i64>) =
                self.redis.run(&self.occupancy, &keys, &[]).await?;
            let busy = chunk.iter().cloned().zip(loads).filter(|(_, load)| 0 < *load);
            occupancy.loads.extend(busy);
            let known = declared.into_iter().filter(|(agent_id, _)| chunk.contains(agent_id));
            occupancy.declared.extend(known.filter_map(|(agent_id, name)| {
                Availability::from_name(&name).map(|availability| (agent_id, availability))
            }));
        }
        Ok(occupancy)
    }
}
