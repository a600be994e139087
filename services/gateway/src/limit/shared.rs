use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chassis::clock;

use super::memory::Memory;
use super::redis::Redis;
use super::{Ask, Buckets, Unreachable, Verdict};
use crate::config::Rate;

/// How long Redis is left alone after it failed, so that not every request waits for it.
const PAUSE_MS: i64 = 1_000;

/// Buckets in Redis; while it is away, this replica's share of each in memory.
pub(crate) struct Shared {
    redis: Redis,
    local: Memory,
    replicas: i64,
    paused_until_ms: AtomicI64,
}

impl Shared {
    pub(crate) fn new(redis: chassis::Redis, replicas: i64) -> Self {
        Self {
            redis: Redis::new(redis),
            local: Memory::new(),
            replicas,
            paused_until_ms: AtomicI64::new(0),
        }
    }

    /// Whether Redis is to be asked. After a failure one caller at a time finds out whether it is back.
    fn is_due(&self) -> bool {
        let until_ms = self.paused_until_ms.load(Ordering::Relaxed);
        let now_ms = clock::now_ms();
        let claim = || {
            let (set, got) = (Ordering::Relaxed, Ordering::Relaxed);
            self.paused_until_ms.compare_exchange(until_ms, now_ms + PAUSE_MS, set, got).is_ok()
        };
        until_ms == 0 || (until_ms <= now_ms && claim())
    }

    fn share(&self, ask: &Ask) -> Ask {
        let rate = Rate { max: (ask.rate.max / self.replicas).max(1), ..ask.rate };
        Ask { rate, ..ask.clone() }
    }
}

#[async_trait]
impl Buckets for Shared {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Verdict>, Unreachable> {
        if self.is_due() {
            match self.redis.take(asks).await {
                Ok(verdicts) => {
                    self.paused_until_ms.store(0, Ordering::Relaxed);
                    return Ok(verdicts);
                }
                Err(error) => {
                    tracing::warn!(%error, "rates are limited by this replica alone");
                    self.paused_until_ms.store(clock::now_ms() + PAUSE_MS, Ordering::Relaxed);
                }
            }
        }
        let shares: Vec<_> = asks.iter().map(|ask| self.share(ask)).collect();
        Ok(self.local.take_now(&shares))
    }
}
