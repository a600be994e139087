use std::sync::LazyLock;

use async_trait::async_trait;
use redis::Script;

use super::bucket::{self, Verdict};
use super::{Ask, Buckets, Unreachable};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));

/// Buckets that all replicas share.
pub(super) struct Redis {
    redis: chassis::Redis,
}

impl Redis {
    pub(super) fn new(redis: chassis::Redis) -> Self {
        Self { redis }
    }
}

#[async_trait]
impl Buckets for Redis {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Verdict>, Unreachable> {
        let key = |ask: &Ask| self.redis.key(&format!("gateway:bucket:{}", ask.bucket));
        let keys: Vec<_> = asks.iter().map(key).collect();
        let numbers = asks.iter().flat_map(|ask| [ask.rate.max, ask.rate.window_ms]);
        let arguments: Vec<_> = numbers.map(|number| number.to_string()).collect();
        let answer: Vec<i64> = self
            .redis
            .run(&TAKE, &keys, &arguments)
            .await
            .map_err(|error| Unreachable(error.to_string()))?;
        read(asks, &answer).ok_or_else(|| Unreachable("the script answers oddly".to_owned()))
    }
}

/// The time, then for each bucket that was asked whether there was a token and what is missing.
fn read(asks: &[Ask], answer: &[i64]) -> Option<Vec<Verdict>> {
    let (&now_ms, pairs) = answer.split_first()?;
    let (pairs, rest) = pairs.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() || asks.len() < pairs.len() {
        return None;
    }
    let verdict = |(ask, [allowed, missing]): (&Ask, &[i64; 2])| {
        bucket::verdict(ask.rate, *allowed == 1, *missing, now_ms)
    };
    Some(asks.iter().zip(pairs).map(verdict).collect())
}
