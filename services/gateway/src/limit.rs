//! How often a caller may ask: token buckets, shared by all replicas.
//!
//! The arithmetic stands in [`bucket`]; an adapter keeps the levels, in this process or in Redis.

pub(crate) mod bucket;
mod memory;
mod redis;
mod shared;

use async_trait::async_trait;

pub(crate) use self::bucket::Verdict;
pub(crate) use self::memory::Memory;
pub(crate) use self::shared::Shared;
use crate::config::Rate;

/// A token that somebody wants from a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Names the sort of bucket in metrics.
    pub(crate) kind: &'static str,
    /// The bucket: an address or a key.
    pub(crate) bucket: String,
    /// Its size and how fast it fills.
    pub(crate) rate: Rate,
}

impl Ask {
    /// Of the address of a caller.
    pub(crate) fn of_address(address: &str, rate: Rate) -> Self {
        Self { kind: "ip", bucket: format!("ip:{address}"), rate }
    }

    /// Of a key.
    pub(crate) fn of_key(tenant: &str, key_id: &str, rate: Rate) -> Self {
        Self { kind: "key", bucket: format!("key:{tenant}:{key_id}"), rate }
    }

    /// Of a tool that is called with a key.
    pub(crate) fn of_tool(tool: &str, tenant: &str, key_id: &str, rate: Rate) -> Self {
        Self { kind: "tool", bucket: format!("tool:{tool}:{tenant}:{key_id}"), rate }
    }
}

/// The buckets cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the buckets cannot be reached: {0}")]
pub(crate) struct Unreachable(pub(crate) String);

/// Where the levels of buckets are kept.
#[async_trait]
pub(crate) trait Buckets: Send + Sync {
    /// Takes a token from each bucket in order, up to the first that has none; as one step. There are as many verdicts as
    /// buckets were asked.
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Verdict>, Unreachable>;
}

#[cfg(test)]
mod tests;
