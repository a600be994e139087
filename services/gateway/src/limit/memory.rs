use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chassis::clock;
use lru::LruCache;

use super::bucket::{Level, Verdict};
use super::{Ask, Buckets, Unreachable};

/// Buckets that are remembered at once; the one that was asked longest ago is forgotten first.
const BUCKETS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");

/// Buckets of this process.
pub(crate) struct Memory {
    levels: Mutex<LruCache<String, Kept>>,
    now_ms: fn() -> i64,
}

/// A level and when it needs no remembering any more.
#[derive(Clone, Copy, Default)]
struct Kept {
    level: Level,
    full_at_ms: i64,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { levels: Mutex::new(LruCache::new(BUCKETS_MAX)), now_ms: clock::now_ms }
    }

    /// Takes a token from each bucket in order, up to the first that has none.
    pub(crate) fn take_now(&self, asks: &[Ask]) -> Vec<Verdict> {
        let now_ms = (self.now_ms)();
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let mut verdicts = Vec::with_capacity(asks.len());
        for ask in asks {
            let kept = levels.get(&ask.bucket).copied().unwrap_or_default();
            let (level, verdict) = kept.level.take(ask.rate, now_ms);
            levels.put(ask.bucket.clone(), Kept { level, full_at_ms: level.full_at_ms(ask.rate) });
            verdicts.push(verdict);
            if !verdict.is_allowed {
                break;
            }
        }
        forget_the_full(&mut levels, now_ms);
        verdicts
    }
}

/// Drops a few of the oldest buckets that are full again, so that a flood leaves nothing behind.
fn forget_the_full(levels: &mut LruCache<String, Kept>, now_ms: i64) {
    const STEPS: usize = 2;
    for _ in 0..STEPS {
        if levels.peek_lru().is_none_or(|(_, kept)| now_ms < kept.full_at_ms) {
            return;
        }
        levels.pop_lru();
    }
}

#[async_trait]
impl Buckets for Memory {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Verdict>, Unreachable> {
        Ok(self.take_now(asks))
    }
}
